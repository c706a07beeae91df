"""A comparison of checkpoints as a row of panels."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style
from tinyinterp.views.bars import Bars, draw_bars, known, places
from tinyinterp.views.figure import Figure

LONGEST = 22  # characters of a model's name


def draw_comparison(table: Table, details: Mapping[str, Table]) -> Figure:
    """Loss, prompts by category, kinds of heads and of neurons, accounts: what was measured."""
    models = table["model"]
    panels = ["loss"] if "bits_per_byte" in table.columns else []
    panels += [part for part in ("prompts", "heads", "neurons", "account") if part in details]
    with style.settings():
        size = (3.4 * max(1, len(panels)) + 1.2, 0.34 * len(models) + 2.9)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        if not panels:
            return figure
        for axes, part in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            if part == "loss":
                _loss(axes, table)
            elif part == "prompts":
                _prompts(axes, models, details[part])
            elif part == "account":
                _account(axes, models, details[part])
            else:
                _kinds(axes, models, details[part])
            axes.set_title(part, fontsize=10, weight="bold", loc="left")
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=7.5)
    return figure


def _colour(number: int) -> str:
    return style.LINE_COLOURS[number % len(style.LINE_COLOURS)]


def _name(model: str) -> str:
    return style.draw_text(model, LONGEST)


def _rows(axes: Axes, models: list[str]) -> None:
    axes.set_yticks(range(len(models)), [_name(model) for model in models])
    axes.set_ylim(len(models) - 0.4, -0.6)


def _loss(axes: Axes, table: Table) -> None:
    for number, row in enumerate(table):
        value = known(row, "bits_per_byte")
        low, high = known(row, "bits_low"), known(row, "bits_high")
        axes.plot([low, high], [number, number], color=style.FAINT, linewidth=1.2)
        axes.plot(value, number, "o", color=_colour(number), markersize=5)
    _rows(axes, table["model"])
    axes.set_xlabel("bits per byte, 95 %", fontsize=8)


def _prompts(axes: Axes, models: list[str], accuracy: Table) -> None:
    categories = list(dict.fromkeys(accuracy["category"]))
    bars = []
    for number, model in enumerate(models):
        rows = [accuracy.row(model=model, category=category) for category in categories]
        at, width = places(len(categories), number, len(models))
        values, low, high = ([known(r, c) for r in rows] for c in ("accuracy", "low", "high"))
        bars.append(Bars(_name(model), _colour(number), at, width, categories, values, low, high))
    draw_bars(axes, bars)
    for place, category in enumerate(categories):
        chance = accuracy.row(model=models[0], category=category)["chance"]
        axes.hlines(chance, place - 0.45, place + 0.45, colors=style.INK, linestyles="dashed")
    axes.set_xticks(range(len(categories)), categories)
    axes.set(ylim=(0, 1))
    axes.set_ylabel("share answered (dashed: chance)", fontsize=8)
    axes.legend(frameon=False, fontsize=6.5)


def _kinds(axes: Axes, models: list[str], kinds: Table) -> None:
    colours = style.KIND_COLOURS if kinds["part"][0] == "heads" else style.NEURON_COLOURS
    present = [k for k in colours if any(r["kind"] == k and r["count"] for r in kinds)]
    for number, model in enumerate(models):
        shares = {row["kind"]: row["share"] for row in kinds if row["model"] == model}
        left = 0.0
        for kind in present:
            share = shares.get(kind, 0.0)
            label = kind if number == 0 else None
            axes.barh(number, share, left=left, height=0.7, color=colours[kind], label=label)
            left += share
    _rows(axes, models)
    axes.set(xlim=(0, 1))
    axes.set_xlabel("share of all, by kind", fontsize=8)
    axes.legend(
        frameon=False, fontsize=6.5, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.2)
    )


def _account(axes: Axes, models: list[str], account: Table) -> None:
    for number, model in enumerate(models):
        mine = [r for r in account if (r["model"], r["part"]) == (model, "both")]
        rows = [r for r in mine if r["rung"] != "means" and is_known(r["loss_recovered_unigram"])]
        if not rows:
            said = f"{_name(model)}: not better than a unigram model"
            axes.text(0.5, 0.92 - 0.09 * number, said, ha="center", fontsize=6.5,
                      transform=axes.transAxes)  # fmt: skip
            continue
        values = [max(0.0, row["loss_recovered_unigram"]) for row in rows]
        rungs = [row["rung"] for row in rows]
        axes.plot(
            rungs, values, marker="o", markersize=4, color=_colour(number), label=_name(model)
        )
    axes.set_ylabel("loss recovered, from the unigram model", fontsize=8)
    axes.set_ylim(0, 1)
    if axes.lines:
        axes.legend(frameon=False, fontsize=6.5)

"""The account of a whole model as a picture: what each rung recovers, and at what size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

PART_COLOURS = {"heads": style.LINE_COLOURS[0], "neurons": style.LINE_COLOURS[1], "both": style.INK}
LANGUAGE_COLOUR = style.FAINT
LONGEST_TITLE = 90  # characters
RUNGS = ("position", "tokens", "predecessor", "trigram", "gist")
Row = Mapping[str, Any]


def draw_account(table: Table, title: str) -> Figure:
    """Loss recovered from the unigram model, by rung, and against the numbers that are stored.

    Args:
        table: of an account.
    """
    rows = list(table)
    with style.settings():
        figure = Figure(figsize=(9.0, 4.2), facecolor="white", layout="constrained")
        by_rung, by_size = figure.subplots(1, 2, sharey=True)
        _draw_bars(by_rung, rows)
        _draw_curve(by_size, rows)
        heading = style.draw_text(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.01, ha="left")
    return figure


def _draw_bars(axes: Axes, rows: Sequence[Row]) -> None:
    """A group of bars for each rung, a bar for each part, with its interval."""
    for number, (part, colour) in enumerate(PART_COLOURS.items()):
        mine = {row["rung"]: row for row in rows if row["part"] == part}
        shown = [(place, mine[rung]) for place, rung in enumerate(RUNGS) if rung in mine]
        values = [_known(row["loss_recovered_unigram"]) for _, row in shown]
        arms = [
            [
                value - _known(row["unigram_low"])
                for value, (_, row) in zip(values, shown, strict=True)
            ],
            [
                _known(row["unigram_high"]) - value
                for value, (_, row) in zip(values, shown, strict=True)
            ],
        ]
        axes.bar(
            [place + 0.27 * (number - 1) for place, _ in shown],
            [max(value, 0.0) for value in values],
            width=0.25, color=colour, label=f"all {part}" if part != "both" else "both at once",
            yerr=[[max(0.0, arm) for arm in side] for side in arms],
            error_kw={"elinewidth": 0.7, "ecolor": style.FAINT},
        )  # fmt: skip
    language = [row for row in rows if row["part"] == "language"]
    best = max(language, key=lambda row: _known(row["loss_recovered_unigram"]))
    axes.axhline(
        _known(best["loss_recovered_unigram"]), color=LANGUAGE_COLOUR, linewidth=0.8,
        linestyle="--", label=f"best n-gram model ({best['rung']})",
    )  # fmt: skip
    axes.set_xticks(range(len(RUNGS)), RUNGS, fontsize=8)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("loss recovered, from the unigram model to the model itself", fontsize=8)
    axes.set_xlabel("what the story knows", fontsize=8)
    _finish(axes)
    axes.legend(fontsize=7.5, frameon=False, loc="upper left")


def _draw_curve(axes: Axes, rows: Sequence[Row]) -> None:
    """Loss recovered against stored numbers: the account of everything, and n-gram models."""
    for part, colour, name in (
        ("both", PART_COLOURS["both"], "account, both at once"),
        ("language", LANGUAGE_COLOUR, "n-gram models"),
    ):
        mine = [row for row in rows if row["part"] == part and row["rung"] != "means"]
        axes.plot(
            [row["parameters"] for row in mine],
            [max(0.0, _known(row["loss_recovered_unigram"])) for row in mine],
            marker="o", markersize=4, linewidth=1.1, color=colour, label=name,
        )  # fmt: skip
        for row in mine:
            axes.annotate(
                row["rung"],
                (row["parameters"], max(0.0, _known(row["loss_recovered_unigram"]))),
                xytext=(5, -9), textcoords="offset points", fontsize=6.5, color=colour,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("numbers stored", fontsize=8)
    _finish(axes)
    axes.legend(fontsize=7.5, frameon=False, loc="upper left")


def _finish(axes: Axes) -> None:
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)


def _known(value: float | None) -> float:
    return 0.0 if value is None or value != value else value  # noqa: PLR0124 - NaN

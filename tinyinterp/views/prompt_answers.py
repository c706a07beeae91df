"""Answered prompts as a picture and as a page with the completions of all models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.bars import Bars, draw_bars, known, places
from tinyinterp.views.figure import Figure
from tinyinterp.views.markdown import paragraph, table

NOTE = (
    "A prompt counts as answered where a right continuation is more probable than every wrong one; "
    "p(right) is the right ones' share of the probability of all candidates, averaged over "
    "prompts. Intervals are 95 %, over the prompts. Bold completions begin with a right "
    "continuation."
)


def draw_accuracy(accuracy: Table, title: str) -> Figure:
    """A group of bars for each category, a bar for each model, and a line at chance."""
    models = list(dict.fromkeys(accuracy["model"]))
    categories = list(dict.fromkeys(accuracy["category"]))
    with style.settings():
        figure = Figure(
            figsize=(max(4.8, 1.2 * len(categories) + 0.4 * len(models) + 1.6), 3.4),
            facecolor="white",
            layout="constrained",
        )
        axes = figure.add_subplot()
        bars = []
        for number, model in enumerate(models):
            rows = [accuracy.row(model=model, category=category) for category in categories]
            at, width = places(len(categories), number, len(models))
            bars.append(
                Bars(
                    name=style.draw_text(model, 30),
                    colour=style.LINE_COLOURS[number % len(style.LINE_COLOURS)],
                    places=at,
                    width=width,
                    labels=categories,
                    values=[known(row, "accuracy") for row in rows],
                    low=[known(row, "low") for row in rows],
                    high=[known(row, "high") for row in rows],
                )
            )
        draw_bars(axes, bars)
        for place, category in enumerate(categories):
            chance = accuracy.row(model=models[0], category=category)["chance"]
            axes.hlines(chance, place - 0.45, place + 0.45, colors=style.INK, linestyles="dashed")
        counts = [accuracy.row(model=models[0], category=c)["prompts"] for c in categories]
        labels = [f"{c} ({n})" for c, n in zip(categories, counts, strict=True)]
        axes.set_xticks(range(len(categories)), labels)
        axes.set(ylim=(0, 1), ylabel="share answered (dashed: chance)")
        axes.set_title(style.draw_text(title, 70), fontsize=10, weight="bold", loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def write_page(prompts: Table, accuracy: Table) -> str:
    """Markdown: accuracy, then for each category the completions of all models."""
    models = list(dict.fromkeys(prompts["model"]))
    parts = ["# Prompts", paragraph(NOTE), _accuracy_table(accuracy)]
    for category in dict.fromkeys(prompts["category"]):
        for way in ("greedy", "sampled"):
            lines = [
                _line([row for row in prompts if row["id"] == name], models, way)
                for name in dict.fromkeys(
                    row["id"] for row in prompts if row["category"] == category
                )
            ]
            parts += [f"## {category}: {way}", table(["prompt", "right", *models], lines)]
    return "\n\n".join(parts) + "\n"


def _line(rows: Sequence[Mapping[str, Any]], models: Sequence[str], way: str) -> list[str]:
    by_model = {row["model"]: row for row in rows}
    shown = [_completion(by_model[model], way) for model in models]
    return [_escaped(rows[0]["prompt"]), _escaped(rows[0]["right"]), *shown]


def _completion(row: Mapping[str, Any], way: str) -> str:
    text = _escaped(row[way])
    begins = row[way].startswith(row["right"])
    following = row[way][len(row["right"]) :][:1]
    return f"**{text}**" if begins and not following.isalnum() else text


def _accuracy_table(accuracy: Table) -> str:
    header = ["model", "category", "prompts", "answered", "95 %", "chance", "p(right)", "95 %"]
    return table(
        header,
        [
            [
                _escaped(row["model"]),
                row["category"],
                row["prompts"],
                f"{row['accuracy']:.0%}",
                f"{row['low']:.0%} to {row['high']:.0%}",
                f"{row['chance']:.0%}",
                style.number(row["p_right"]),
                style.interval(row["p_right_low"], row["p_right_high"]),
            ]
            for row in accuracy
        ],
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")

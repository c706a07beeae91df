"""The neurons of a layer at one look: how pure and how selective, coloured by kind."""

from __future__ import annotations

from collections import Counter

from tinyinterp.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure


def draw_neurons(table: Table, title: str) -> Figure:
    """A point for each neuron: the share of its hits that have its best tag, and that tag's AUROC.

    Args:
        table: the neurons table; the columns kind, purity and auroc are read.
    """
    with style.settings():
        figure = Figure(figsize=(7.0, 4.2), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        counts = Counter(table["kind"])
        for kind in sorted(counts, key=lambda kind: -counts[kind]):
            rows = [row for row in table if row["kind"] == kind]
            axes.scatter(
                [row["purity"] for row in rows],
                [row["auroc"] for row in rows],
                s=10,
                linewidths=0,
                color=style.NEURON_COLOURS[kind],
                label=f"{kind} ({counts[kind]})",
            )
        axes.axhline(0.5, color=style.FAINT, linewidth=0.8, linestyle=":")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=title)
        axes.set_xlabel("purity: share of hits with the best tag")
        axes.set_ylabel("AUROC of that tag")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2)
    return figure

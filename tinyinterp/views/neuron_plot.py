"""The neurons of a layer at a glance: how pure and how selective, coloured by kind."""

from __future__ import annotations

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure
from tinyinterp.views.points import groups_by_kind

X, Y = "purity", "auroc"
X_LABEL, Y_LABEL = "purity: share of hits with the best tag", "AUROC of that tag"


def draw_neurons(table: Table, title: str) -> Figure:
    """A point for each neuron: the share of its hits that have its best tag, and that tag's AUROC.

    Args:
        table: the neurons table; the columns kind, purity and auroc are read.
    """
    with style.settings():
        figure = Figure(figsize=(7.0, 4.2), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        for group in groups_by_kind(table, X, Y):
            axes.scatter(
                group.x, group.y, s=10, linewidths=0, color=group.colour, label=group.label
            )
        axes.axhline(0.5, color=style.FAINT, linewidth=0.8, linestyle=":")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=title)
        axes.set_xlabel(X_LABEL)
        axes.set_ylabel(Y_LABEL)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2)
    return figure

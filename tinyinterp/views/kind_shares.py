"""The share of the neurons of each layer that is of each kind, beside null models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from matplotlib.patches import Patch

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

Shares = Mapping[int, Mapping[str, float]]  # by layer, then by kind; each layer sums to 1


def kind_shares(table: Table) -> Shares:
    """The shares of a table of neurons."""
    rows = Counter((row["layer"], row["kind"]) for row in table)
    totals = Counter(table["layer"])
    return {
        layer: {kind: rows[layer, kind] / totals[layer] for kind in style.NEURON_COLOURS}
        for layer in sorted(totals)
    }


def kinds_that_occur(models: Mapping[str, Shares]) -> list[str]:
    """In the order in which they are drawn."""
    found = [of_layer for shares in models.values() for of_layer in shares.values()]
    return [kind for kind in style.NEURON_COLOURS if any(of.get(kind) for of in found)]


def draw_kind_shares(models: Mapping[str, Shares], title: str) -> Figure:
    """A panel for each model, a bar for each layer, layer 0 on top.

    Args:
        models: what each panel is called, and its shares.
    """
    layers = sorted(next(iter(models.values())))
    kinds = kinds_that_occur(models)
    with style.settings():
        size = (2.6 * len(models) + 0.6, 0.28 * len(layers) + 1.6)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        for axes, (name, shares) in zip(panels, models.items(), strict=True):
            left = dict.fromkeys(layers, 0.0)
            for kind in kinds:
                parts = [shares[layer].get(kind, 0.0) for layer in layers]
                begin = [left[layer] for layer in layers]
                axes.barh(layers, parts, left=begin, height=0.8, color=style.NEURON_COLOURS[kind])
                for layer, part in zip(layers, parts, strict=True):
                    left[layer] += part
            axes.set(xlim=(0, 1), ylim=(max(layers) + 0.6, min(layers) - 0.6), title=name)
            axes.set_yticks(layers)
            axes.set_xticks([0, 0.5, 1], ["0", "half", "all"])
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(length=0)
        panels[0].set_ylabel("layer")
        figure.suptitle(title)
        patches = [Patch(color=style.NEURON_COLOURS[kind], label=kind) for kind in kinds]
        figure.legend(
            handles=patches, loc="outside lower center", ncols=len(kinds), frameon=False, fontsize=7
        )
    return figure

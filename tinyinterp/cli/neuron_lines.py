"""The lines that ``tinyinterp neurons`` prints."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from tinyinterp.cli.needs import needs_lines
from tinyinterp.cli.report import WIDTH, columns, kind_lines

if TYPE_CHECKING:
    from tinyinterp.io.table import Table

SHOWN = 20  # neurons of a ranking
Row = dict[str, Any]


def summary_lines(table: Table) -> list[str]:
    """A map of kinds in letters, their counts (by layer if there are several), and null models."""
    from tinyinterp.cli.kind_maps import neuron_map_lines
    from tinyinterp.views.both_sides import median_sides
    from tinyinterp.views.neuron_text import null_lines

    lines = [*neuron_map_lines(table), "", *kind_lines(_decided(table), "neurons", "best_tag")]
    layers = sorted(set(table["layer"]))
    if len(layers) > 1:
        lines += ["", *_layer_lines(table, layers)]
    lines += needs_lines(table, "neurons")
    for line in (median_sides(table), *null_lines(table.notes)):
        lines += ["", *textwrap.wrap(line, WIDTH)] if line else []
    return lines


def _layer_lines(table: Table, layers: list[int]) -> list[str]:
    """Neurons of each kind by layer, and the part-of-speech share in the null models."""
    from tinyinterp.neuron_census.labels import PART_OF_SPEECH
    from tinyinterp.views.neuron_text import NULL_MODELS

    kinds = sorted(set(table["kind"]))
    by_layer = table.notes.get("nulls_by_layer", {})
    nulls = [name for name in NULL_MODELS if name in next(iter(by_layer.values()), {})]
    lines = []
    for layer in layers:
        here = [row["kind"] for row in table if row["layer"] == layer]
        line: list[Any] = [layer, *(here.count(kind) for kind in kinds)]
        shares = [by_layer[str(layer)][name].get(PART_OF_SPEECH, 0) for name in nulls]
        line += [f"{share:.1%}" for share in shares]
        lines.append(line)
    return columns(["layer", *kinds, *(f"{name} p.o.s." for name in nulls)], lines)


def _decided(table: Iterable[Row]) -> list[Row]:
    """The rows without the best tag where it did not decide the kind."""
    tagged = ("part-of-speech", "next-word")
    return [row if row["kind"] in tagged else row | {"best_tag": ""} for row in table]


def ranking_lines(ranking: Sequence[Row], tag: str, target: str) -> list[str]:
    """The neurons that follow a tag most closely, by the lower bound of r."""
    from tinyinterp.views.both_sides import percent

    accounted = "needs" in ranking[0]
    shown = [
        [
            f"{row['layer']}.{row['neuron']}",
            row["kind"],
            *([row["needs"] or "constant"] if accounted else []),
            f"{row['tag_correlation']:.3f}",
            f"{row['tag_correlation_low']:.3f} to {row['tag_correlation_high']:.3f}",
            f"{row['auroc']:.3f}",
            percent(row["purity"]),
            percent(row["tag_recall"]),
            f"{row['lift']:.1f}",
            f"{row['q_value']:.1g}",
        ]
        for row in ranking[:SHOWN]
    ]
    needs = ["needs"] if accounted else []
    header = ["neuron", "kind", *needs, "r", "95 % interval", "AUROC", "of hits", "of tag", "lift",
              "q"]  # fmt: skip
    if not ranking[0]["tested"]:
        return [f"too few tokens with the tag {tag} ({target} word) to rank the neurons"]
    first = f"The {len(shown)} of {len(ranking):,} neurons that best predict the tag {tag} of the "
    last = [
        "r: correlation of the activation with having the tag; of hits: the share of the neuron's",
        "hits that have the tag; of tag: the share of the words with the tag that it hits.",
    ]
    return [f"{first}{target} word:", *columns(header, shown), "", *last]


def neuron_lines(row: Row, hits: Iterable[Row], notes: dict[str, Any]) -> list[str]:
    """A neuron as in the text file, with hits highlighted on a terminal."""
    from tinyinterp.views import neuron_text
    from tinyinterp.views.needs import NEEDS, NO_NEURON_ACCOUNT

    lines = [*neuron_text.neuron_lines(row, hits), "", *neuron_text.header_lines(notes)]
    if NEEDS not in row:
        lines += ["", NO_NEURON_ACCOUNT]
    return [_highlighted(line) if line.startswith("Context: ") else line for line in lines]


def _highlighted(line: str) -> str:
    """The token between the marks in bold; ``typer.echo`` drops that where output is piped."""
    return re.sub("«.*»", lambda found: typer.style(found[0], bold=True, reverse=True), line)

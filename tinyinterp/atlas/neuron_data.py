"""Data of the pages of neurons, of layers, of tags and of tokens; a census is read through once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.atlas.data_files import short, write_data
from tinyinterp.atlas.finished_neurons import NeuronLayer, neuron_layers
from tinyinterp.atlas.tags import TagRankings, strongest_tags
from tinyinterp.atlas.tokens import TokenIndex
from tinyinterp.views.both_sides import both_sides

CHUNK = 128  # neurons a file
TOP, BOTTOM = 20, 12  # activations of a neuron
BEFORE, AFTER = 60, 40  # characters of their contexts
WORDS = 4  # tokens that stand for a neuron in a list


@dataclass
class NeuronSummary:
    """What the overview says of neurons, and what a search can find."""

    layers: list[Row] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)  # of the first layer
    warnings: list[str] = field(default_factory=list)


def write_neurons(census: Path, folder: Path) -> NeuronSummary:
    """Write all files about the neurons of ``census``.

    Raises:
        SelectionError: there is no such census.
    """
    summary, rankings, tokens = NeuronSummary(), TagRankings(), TokenIndex()
    for layer in neuron_layers(census):
        _write_layer(layer, folder)
        kinds = Counter(row["kind"] for row in layer.rows)
        summary.layers.append(
            {"layer": layer.layer, "neurons": len(layer.rows), "kinds": dict(sorted(kinds.items()))}
        )
        summary.notes = summary.notes or layer.notes
        summary.warnings += layer.notes.get("warnings", [])  # the overview shows each once
        rankings.add(layer)
        tokens.add(layer)
    summary.tags = rankings.write(folder)
    summary.tokens = tokens.write(folder)
    return summary


def _write_layer(layer: NeuronLayer, folder: Path) -> None:
    listed = [_listed(row, layer) for row in layer.rows]
    write_data(folder, f"layer-{layer.layer}", {"layer": layer.layer, "neurons": listed})
    rows = [_with_both_sides(row) for row in layer.rows]
    columns = [name for name in (rows[0] if rows else {}) if name != "layer"]
    for first in range(0, len(rows), CHUNK):
        data = {
            "columns": columns,
            "neurons": [
                {
                    "row": [_value(row[name]) for name in columns],
                    "top": _hits(layer.top.get(row["neuron"], [])[:TOP]),
                    "bottom": _hits(layer.bottom.get(row["neuron"], [])[:BOTTOM]),
                    "tags": strongest_tags(layer.associations.get(row["neuron"], [])),
                    "histogram": _histogram(layer.histograms.get(row["neuron"])),
                }
                for row in rows[first : first + CHUNK]
            ],
        }
        write_data(folder, f"neurons-{layer.layer}-{first // CHUNK}", data)


def _with_both_sides(row: Row) -> Row:
    """The row with both sides of its tag in words, if its census has them."""
    return row | {"both_sides": both_sides(row)} if "tag_recall" in row else row


def _listed(row: Row, layer: NeuronLayer) -> list[Any]:
    """A line of a list of neurons: number, kind, tag, whose tag it is, AUROC, largest, tokens."""
    hits = layer.top.get(row["neuron"], [])
    words = row.get("words") or list(dict.fromkeys(hit["token"] for hit in hits))
    numbers = [short(row.get(name)) for name in ("auroc", "max_activation")]
    tag, whose = row.get("best_tag") or "", row.get("best_target") or ""
    return [row["neuron"], row["kind"], tag, whose, *numbers, words[:WORDS]]


def _hits(hits: list[Row]) -> list[list[Any]]:
    """Hits as activation, text before, token, text after, tag, story and position."""
    return [
        [
            short(hit["activation"]),
            hit["before"][-BEFORE:],
            hit["token"],
            hit["after"][:AFTER],
            hit["tag"],
            hit["story"],
            hit["position"],
        ]
        for hit in hits
    ]


def _histogram(row: Row | None) -> list[Any] | None:
    return None if row is None else [short(row["low"]), short(row["high"]), row["counts"]]


def _value(value: Any) -> Any:
    return short(value) if isinstance(value, float) else value

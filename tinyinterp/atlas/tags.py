"""Which neurons follow a tag, over all layers."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.atlas.data_files import write_data
from tinyinterp.atlas.finished_neurons import NeuronLayer
from tinyinterp.views.page import short

RANKED = 100  # neurons of a tag
EACH = 4  # tags of a neuron, for each word that may have them
NUMBERS = (
    *("auroc", "auroc_low", "auroc_high", "purity", "lift", "q_value"),
    *("tag_correlation", "tag_correlation_low", "tag_correlation_high", "tag_recall"),
)


def strongest_tags(associations: list[Row]) -> list[list[Any]]:
    """The tags that a neuron follows most closely: word, tag and ``NUMBERS``, best first.

    At most :data:`EACH` for the token's own tag, for the next word's and for the previous one's.
    """
    by_word: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(associations, key=_best_first):
        if row.get("tested", True) and len(by_word[row["target"]]) < EACH:
            by_word[row["target"]].append(row)
    chosen = sorted((row for rows in by_word.values() for row in rows), key=_best_first)
    return [[row["target"], row["tag"], *_numbers(row)] for row in chosen]


class TagRankings:
    """The best neurons of every tag, gathered layer by layer."""

    def __init__(self) -> None:
        self._best: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))

    def add(self, layer: NeuronLayer) -> None:
        """Take in a layer."""
        kinds = {row["neuron"]: row["kind"] for row in layer.rows}
        for neuron, rows in sorted(layer.associations.items()):
            about = {"layer": layer.layer, "neuron": neuron, "kind": kinds.get(neuron, "")}
            for row in rows:
                if row.get("tested", True):
                    self._best[row["tag"]][row["target"]].append({**row, **about})
        for words in self._best.values():
            for word, rows in words.items():
                words[word] = sorted(rows, key=_best_first)[:RANKED]

    def write(self, folder: Path) -> list[str]:
        """Write ``tag-N.js`` for each tag; returns the tags, in the order of N."""
        tags = sorted(self._best)
        for number, tag in enumerate(tags):
            words = {
                word: [[r["layer"], r["neuron"], r["kind"], *_numbers(r)] for r in rows]
                for word, rows in sorted(self._best[tag].items())
            }
            write_data(folder, f"tag-{number}", {"tag": tag, "words": words})
        return tags


def _best_first(row: Row) -> tuple[float, float, int, int, str]:
    """By the lower bound of r, then by r, then in order; an older census has AUROC alone."""
    name = "tag_correlation" if "tag_correlation" in row else "auroc"
    value, low = row[name], row.get(f"{name}_low")
    where = row.get("layer", 0), row["neuron"], row["tag"]
    return (-(value if low is None else low), -value, *where)


def _numbers(row: Row) -> list[float | int | None]:
    return [short(row.get(name)) for name in NUMBERS]

"""Which neurons fire on a token, and which make it likelier or less likely to come next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.atlas.data_files import write_data
from tinyinterp.atlas.finished_neurons import NeuronLayer
from tinyinterp.views.page import short

CHUNK = 128  # tokens a file
MOST = 60  # neurons of a token, in each of the three lists


@dataclass
class _Token:
    fires: list[Row] = field(default_factory=list)
    raises: list[Row] = field(default_factory=list)
    lowers: list[Row] = field(default_factory=list)


class TokenIndex:
    """Neurons by token, gathered layer by layer."""

    def __init__(self) -> None:
        self._tokens: dict[str, _Token] = defaultdict(_Token)

    def add(self, layer: NeuronLayer) -> None:
        """Take in a layer."""
        for row in layer.rows:
            about = {"layer": layer.layer, "neuron": row["neuron"], "kind": row["kind"]}
            hits = layer.top.get(row["neuron"], [])
            counts: dict[str, Row] = {}
            for hit in hits:
                here = counts.setdefault(hit["token"], {"hits": 0, "largest": hit["activation"]})
                here["hits"] += 1
            for token, here in counts.items():
                found = about | here | {"of": len(hits)}
                self._tokens[token].fires.append(found)
            for name in ("raises", "lowers"):
                for rank, token in enumerate(row.get(name) or (), start=1):
                    getattr(self._tokens[token], name).append(about | {"rank": rank})

    def write(self, folder: Path) -> list[str]:
        """Write ``tokens-N.js``, :data:`CHUNK` tokens each; returns the tokens in order."""
        names = sorted(self._tokens)
        for first in range(0, len(names), CHUNK):
            tokens = [_data(self._tokens[name]) for name in names[first : first + CHUNK]]
            write_data(folder, f"tokens-{first // CHUNK}", tokens)
        return names


def _data(token: _Token) -> dict[str, Any]:
    fires = sorted(token.fires, key=lambda r: (-r["hits"] / r["of"], r["layer"], r["neuron"]))
    data: dict[str, Any] = {
        "fires": [
            [*_neuron(row), row["hits"], row["of"], short(row["largest"])] for row in fires[:MOST]
        ],
        "count": len(fires),
    }
    for name in ("raises", "lowers"):
        rows = sorted(getattr(token, name), key=lambda r: (r["rank"], r["layer"], r["neuron"]))
        data[name] = [[*_neuron(row), row["rank"]] for row in rows[:MOST]]
    return data


def _neuron(row: Row) -> list[Any]:
    return [row["layer"], row["neuron"], row["kind"]]

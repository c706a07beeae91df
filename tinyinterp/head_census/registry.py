"""Measures of heads that are declared in one place; columns, words and tests follow from it.

A :class:`HeadMeasure` says what it is called, what it says, and how it comes from the patterns of
stories. Once it is registered, every census of heads has its column with a 95 % interval, pages and
explanations say what it means, and a test holds it to the values that it declares for patterns that
are known. None of them decides a label.

Those of this package are in :mod:`tinyinterp.head_census.declared`, a file each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.head_census.patterns import CleanPattern, Pattern
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.registry import Registry, require_column_name
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

ENDS = ("", "_low", "_high")
# Patterns that every query repeats, by what they do; a measure says what it gives on some of them.
KNOWN_PATTERNS: dict[str, Callable[[int], Float[Tensor, "query key"]]] = {
    "current token": torch.eye,
    "previous token": lambda n: torch.eye(n).roll(-1, 1).tril(),
    "uniform": lambda n: torch.ones(n, n).tril(),
}


@dataclass(frozen=True, kw_only=True)
class HeadMeasure:
    """A number of a head: the mean, over the queries of TEST stories, of a number of each query.

    Args:
        name: of its column, in small letters with underscores.
        about: what it says, in a sentence; pages show it.
        unit: of the number, such as ``tokens``; empty for a share.
        formula: how it comes about, in plain text; ``A[i, j]`` is the attention of query i to key
            j without the sink.
        of_queries: the number of each query from patterns without their sink; NaN where a query
            says nothing.
        known: what it gives on some of :data:`KNOWN_PATTERNS` of twelve positions; the tests check
            it.
        source: where it comes from, if from a paper.

    Raises:
        SelectionError: the name is none of a column, or something that must be said is missing.
    """

    name: str
    about: str
    unit: str
    formula: str
    of_queries: Callable[[CleanPattern], Float[Tensor, "batch head query"]] = field(repr=False)
    known: Mapping[str, float]
    source: str = ""

    def __post_init__(self) -> None:
        require_column_name("measure", self.name, "reach")
        if not (self.about.endswith(".") and self.formula):
            raise SelectionError(
                f"the measure {self.name!r} does not say what it is; give about= (a sentence that "
                "ends with a full stop) and formula="
            )
        if not self.known or not self.known.keys() <= KNOWN_PATTERNS.keys():
            raise SelectionError(
                f"the measure {self.name!r} is known on {sorted(self.known)}; expected values on "
                f"one or more of {sorted(KNOWN_PATTERNS)}, so that a test can hold it to them"
            )


_MEASURES: Registry[HeadMeasure] = Registry("measure")
register = _MEASURES.register
unregister = _MEASURES.unregister
registered = _MEASURES.registered  # those of every census of heads


class MeasureAccumulator:
    """Adds up registered measures over TEST, by block of stories."""

    def __init__(self, config: DecoderConfig, measures: Iterable[HeadMeasure]) -> None:
        self.measures = tuple(measures)
        shape = (len(self.measures), N_BLOCKS, config.n_layers, config.n_heads)
        self._sums = torch.zeros(shape, dtype=torch.float64)
        self._counts = torch.zeros(shape, dtype=torch.float64)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        blocks = torch.tensor([sequence.block for sequence in batch.sequences])
        for number, measure in enumerate(self.measures):
            values = measure.of_queries(pattern.clean).double()
            if values.shape != pattern.clean.rows.shape:
                raise SelectionError(
                    f"the measure {measure.name!r} gave the shape {tuple(values.shape)}; expected "
                    f"a number for each query, {tuple(pattern.clean.rows.shape)}"
                )
            counted = pattern.clean.rows & ~values.isnan()
            sums = values.where(counted, 0).sum(-1).cpu()
            self._sums[number, :, layer].index_add_(0, blocks, sums)
            self._counts[number, :, layer].index_add_(0, blocks, counted.sum(-1).cpu().double())

    def merge(self, processes: Processes) -> None:
        processes.add(self._sums, self._counts)

    def columns(self, seed: int) -> dict[str, Float[np.ndarray, "layer head"]]:
        """Each measure with the bounds of its 95 % interval, by column; NaN where no query counts.

        Args:
            seed: of the bootstrap.
        """
        found: dict[str, Float[np.ndarray, "layer head"]] = {}
        for number, measure in enumerate(self.measures):
            sums, counts = self._sums[number].numpy(), self._counts[number].numpy()
            low, high = block_bootstrap(_ratio, sums, counts, seed=seed)
            mean = _ratio(sums.sum(0), counts.sum(0))
            found |= dict(zip((measure.name + end for end in ENDS), (mean, low, high), strict=True))
        return found

    def notes(self) -> dict[str, dict[str, str]]:
        """What a table must say of these columns, so that it is understood without the code."""
        said = ("about", "unit", "formula", "source")
        return {m.name: {each: getattr(m, each) for each in said} for m in self.measures}


def with_measures(
    rows: Iterable[dict[str, Any]], columns: Mapping[str, Float[np.ndarray, "layer head"]]
) -> list[dict[str, Any]]:
    """Rows of the heads table with the columns of registered measures at their ends.

    Raises:
        SelectionError: a measure has the name of another column.
    """
    joined = []
    for row in rows:
        if taken := sorted(row.keys() & columns.keys()):
            raise SelectionError(
                f"the heads table has a column {taken[0]!r} already; give the measure another name"
            )
        at = row["layer"], row["head"]
        joined.append(row | {name: float(values[at]) for name, values in columns.items()})
    return joined


def _ratio(
    sums: Float[np.ndarray, "*shape"], counts: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

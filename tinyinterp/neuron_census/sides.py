"""Running sums of one layer: means and hit levels from FIT, hits and moments on TEST."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.io.rows_file import RowsFile
from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.kernels import fit_rows, over_neurons, test_rows
from tinyinterp.neuron_census.top_activations import Extremes
from tinyinterp.processes import Processes
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.sequences import N_BLOCKS

SHRINK = 4  # a mean by position counts as if this many more tokens had the overall mean


class FittedSide:
    """Sums over FIT by token type and by position, in fp64.

    Memory grows with the token types of the text and its longest sequence, not with the text. The
    sums by type are needed again only when tables are made, and may be set aside until then.

    Args:
        n_neurons: of the layer.
        n_types: token types of the text; rows give the index of theirs.
        n_positions: of the longest sequence, its end-of-text counted.
    """

    def __init__(self, n_neurons: int, n_types: int, n_positions: int) -> None:
        self._by_type = np.zeros((n_types, n_neurons))
        self._types = np.zeros(n_types, dtype=np.int64)
        self._by_position = np.zeros((n_positions, n_neurons))
        self._positions = np.zeros(n_positions, dtype=np.int64)
        self._aside: RowsFile | None = None  # has the sums by type

    def add(
        self,
        values: Float[np.ndarray, "flat neuron"],
        rows: Rows,
        types: Int[np.ndarray, " row"],
        extremes: Extremes,
    ) -> None:
        """Add rows to the sums, and to the lists of extremes."""
        order = types.argsort(kind="stable")
        picked = rows.rows[order], rows.ids[order], types[order], rows.positions[order]

        def work(first: int, last: int) -> None:
            fit_rows(
                *(values, *picked, self._by_type, self._by_position),
                *extremes.lists,
                *(extremes.per_story, first, last),
            )

        over_neurons(work, values.shape[1])
        self._types += np.bincount(types, minlength=len(self._types))
        self._positions += np.bincount(rows.positions, minlength=len(self._positions))

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by name."""
        names = ("_types", "_by_position", "_positions")
        aside = {} if self._aside is not None else {"_by_type": self._by_type}
        return aside | {name: getattr(self, name) for name in names}

    def set_aside(self, file: RowsFile) -> None:
        """Keep the sums by token type in a file, once FIT is read; one that has them is taken."""
        if not file.n_rows:
            file.append(self._by_type)
        self._aside, self._by_type = file, np.zeros((0, self._by_type.shape[1]))

    def merge(self, processes: Processes) -> None:
        """Add the sums of other processes."""
        processes.add(*self.arrays().values())

    @property
    def n_tokens(self) -> int:
        """How many rows were added."""
        return int(self._positions.sum())

    def means_by_position(self) -> Float[np.ndarray, "position neuron"]:
        """The mean at each position, shrunk towards the overall mean where few stories reach."""
        counts = self._positions[:, None]
        means = (self._by_position + SHRINK * self.mean()) / (counts + SHRINK)
        return means.astype(np.float32)

    def means_of(self, types: Int[np.ndarray, " kind"]) -> Float[np.ndarray, "kind neuron"]:
        """The mean on each of these token types; the overall mean for a type not in FIT."""
        counts = self._types[types][:, None]
        by_type = self._by_type if self._aside is None else self._aside.read()
        return np.where(counts > 0, by_type[types] / np.maximum(counts, 1), self.mean())

    def mean(self) -> Float[np.ndarray, " neuron"]:
        """The mean over all tokens."""
        return self._by_position.sum(axis=0) / max(self.n_tokens, 1)


def hit_level(largest: Float[np.ndarray, " neuron"]) -> Float[np.ndarray, " neuron"]:
    """Half of the largest activation: a token that reaches it is a hit.

    Infinity for a neuron that is never above zero.
    """
    return np.where(largest > 0, largest / 2, np.inf).astype(np.float32)


class HeldOutSide:
    """Counts on TEST; whatever the bootstrap resamples is kept by block of stories.

    Args:
        level: a token that reaches it is a hit.
        by_position: the activation that position alone predicts.
        n_types: token types of the text.
        n_targets: of the tag set.
    """

    def __init__(
        self,
        level: Float[np.ndarray, " neuron"],
        by_position: Float[np.ndarray, "position neuron"],
        n_types: int,
        n_targets: int,
    ) -> None:
        n_neurons = len(level)
        self.block_hits = np.zeros((N_BLOCKS, n_neurons), dtype=np.int32)
        self.block_target_hits = np.zeros((N_BLOCKS, n_targets, n_neurons), dtype=np.int32)
        self._type_hits = np.zeros((n_types, n_neurons), dtype=np.int32)
        self._above_zero = np.zeros(n_neurons, dtype=np.int32)
        self._moments = np.zeros((3, N_BLOCKS, n_neurons))
        self._level = level
        self._by_position = by_position

    def add(
        self,
        values: Float[np.ndarray, "flat neuron"],
        rows: Rows,
        types: Int[np.ndarray, " row"],
        targets: Int[np.ndarray, "row three"],
        extremes: Extremes,
        *,
        listed: bool,
    ) -> None:
        """Count rows.

        Args:
            values: of the layer.
            rows: which rows of ``values`` count.
            types: the token type of each.
            targets: the targets of each; below 0: none.
            extremes: the lists of the layer.
            listed: whether these rows may enter the lists.
        """

        def work(first: int, last: int) -> None:
            test_rows(
                values,
                *(rows.rows, rows.ids, types, rows.positions, rows.blocks, targets),
                *(self._level, self._by_position, self._moments, self._above_zero),
                *(self.block_hits, self.block_target_hits, self._type_hits),
                *extremes.lists,
                *(listed, extremes.per_story, first, last),
            )

        over_neurons(work, values.shape[1])

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by name."""
        names = (
            "block_hits",
            "block_target_hits",
            "_type_hits",
            "_above_zero",
            "_moments",
            "_level",
        )
        return {name: getattr(self, name) for name in names}

    def merge(self, processes: Processes) -> None:
        """Add the counts and sums of other processes."""
        processes.add(self.block_hits, self.block_target_hits, self._type_hits)
        processes.add(self._above_zero, self._moments)

    def density(self, n_tokens: int) -> Float[np.ndarray, " neuron"]:
        """The share of tokens at which a neuron is above zero."""
        return self._above_zero / max(n_tokens, 1)

    def hits_by_type(self) -> Int[np.ndarray, "neuron kind"]:
        """How many hits each token type has."""
        return np.ascontiguousarray(self._type_hits.T)

    def position_shares(
        self, block_tokens: Int[np.ndarray, " block"], seed: int
    ) -> tuple[Float[np.ndarray, " neuron"], ...]:
        """The share of the variance that position explains, and its bounds.

        One less the unexplained share on TEST, the prediction being FIT's mean by position: a
        position that few stories reach does not inflate it, and it is below 0 where position
        predicts worse than the mean. 0 for a constant neuron. Bounds resample blocks of stories.
        """
        sums, squares, errors = self._moments
        tokens = block_tokens[:, None].astype(np.float64)
        value = _explained(tokens.sum(0), sums.sum(0), squares.sum(0), errors.sum(0))
        low, high = block_bootstrap(_explained, tokens, sums, squares, errors, seed=seed)
        return value, low, high


def _explained(
    tokens: np.ndarray, sums: np.ndarray, squares: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """One less the unexplained share of the variance, from sums over tokens."""
    n = np.maximum(tokens, 1)
    variance = squares / n - (sums / n) ** 2
    rounding = 1e-12 * squares / n  # below this the variance is noise of the subtraction
    known = variance > rounding
    return np.where(known, 1 - errors / n / np.where(known, variance, 1), 0.0)

"""An even sample of TEST tokens, and the activations of every neuron at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tinyinterp.io.rows_file import RowsFile
from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.neuron_census.sample_kernels import turn_rows
from tinyinterp.neuron_census.targets import SIDES, Targets
from tinyinterp.processes import Processes

SAMPLE_TOKENS = 20_000
DEVIATIONS = 6  # standard deviations of the number drawn that room is kept for


@dataclass(frozen=True)
class Sample:
    """The tokens drawn, in the order of the text."""

    types: Int[np.ndarray, " row"]  # indices among the token types of the text
    targets: Int[np.ndarray, "row three"]
    blocks: Int[np.ndarray, " row"]
    all_targets: Targets

    @property
    def scored(self) -> Bool[np.ndarray, " row"]:
        """Which tokens have a tag."""
        return self.targets[:, 0] >= 0

    def chosen(self, rows: Bool[np.ndarray, " row"] | Int[np.ndarray, " chosen"]) -> Sample:
        """Some of the tokens."""
        return Sample(self.types[rows], self.targets[rows], self.blocks[rows], self.all_targets)

    def positive(self, target: int) -> Bool[np.ndarray, " row"]:
        """Which tokens have a target."""
        return self.targets[:, self.all_targets.side(target)] == target


class EvenSample:
    """The draw, in bounded memory.

    A token is drawn if the hash of its id and the seed is below a bound. The draw depends on
    nothing else: not on the order of reading, not on the layers.

    Args:
        n_tokens: how many there are to draw from.
        seed: of the draw.
        size: about how many are drawn; all, if there are no more.
    """

    def __init__(self, n_tokens: int, seed: int, size: int = SAMPLE_TOKENS) -> None:
        self._seed = seed
        self._all = n_tokens <= size
        self._share = size / max(n_tokens, 1)
        self.room = n_tokens if self._all else int(size + DEVIATIONS * np.sqrt(size))
        self.held = 0
        self._columns = np.zeros((self.room, 3 + len(SIDES)), dtype=np.int64)

    def draw(
        self, rows: Rows, types: Int[np.ndarray, " row"], targets: Int[np.ndarray, "row three"]
    ) -> Int[np.ndarray, " kept"]:
        """Draw from these rows and append the drawn to the sample; returns which they are."""
        if self._all:
            kept = np.arange(len(rows.ids))
        else:
            kept = np.flatnonzero(_hash(rows.ids, self._seed) < np.uint64(self._share * 2.0**64))
        kept = kept[: self.room - self.held]
        columns = np.stack([rows.ids, types, rows.blocks, *targets.T], axis=1)[kept]
        self._columns[self.held : self.held + len(kept)] = columns
        self.held += len(kept)
        return kept

    @property
    def ids(self) -> Int[np.ndarray, " row"]:
        """The tokens drawn, in reading order until they are sorted."""
        return self._columns[: self.held, 0]

    def merge(self, processes: Processes) -> None:
        """Take in what other processes drew."""
        gathered = np.concatenate(processes.gather(self._columns[: self.held]))
        self.hold(len(gathered))
        self._columns[: self.held] = gathered

    def sort(self) -> Int[np.ndarray, " row"]:
        """Put the tokens drawn into the order of the text; returns where each was before."""
        order = self.ids.argsort()
        self._columns[: self.held] = self._columns[order]
        return order

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by name."""
        return {"columns": self._columns[: self.held]}

    def hold(self, drawn: int) -> None:
        """Make room for a saved state of so many tokens, which then fills :meth:`arrays`."""
        self.held = drawn

    def finish(self, all_targets: Targets) -> Sample:
        """The tokens drawn, with the targets that theirs are numbered by."""
        _, types, blocks, *targets = self._columns[: self.held].T
        return Sample(types, np.stack(targets, axis=1), blocks, all_targets)


class SampledValues:
    """The activations of one layer at the tokens drawn, in a file until they are read.

    Args:
        file: takes them, a row for each token.
    """

    def __init__(self, file: RowsFile) -> None:
        self._file = file
        self._order: Int[np.ndarray, " row"] | None = None

    def add(
        self, values: Float[np.ndarray, "flat neuron"], drawn: Int[np.ndarray, " chosen"]
    ) -> None:
        """Append those at the next tokens drawn, which are these rows of ``values``."""
        self._file.append(values[drawn])

    def merge(self, processes: Processes, owner: int) -> None:
        """Bring those of all processes to one of them; the others have none afterwards."""
        self._file.replace(processes.brought(self._file.read(), owner))

    def sort(self, order: Int[np.ndarray, " row"]) -> None:
        """Read them in the order that :meth:`EvenSample.sort` gave."""
        self._order = order

    @property
    def n_rows(self) -> int:
        """How many tokens there are activations of."""
        return self._file.n_rows

    def read(self) -> Float[np.ndarray, "row neuron"]:
        """All of them, of this layer; those of a neuron lie side by side."""
        rows = self._file.read()
        order = np.arange(len(rows)) if self._order is None else self._order
        columns = np.empty(rows.shape[::-1], dtype=np.float32)
        over_neurons(lambda first, last: turn_rows(rows, order, columns, first, last), len(columns))
        return columns.T


def prevalence(sample: Sample) -> Int[np.ndarray, " target"]:
    """How many tokens have each target."""
    found = sample.targets[sample.targets >= 0]
    return np.bincount(found, minlength=sample.all_targets.n)


def _hash(ids: Int[np.ndarray, " row"], seed: int) -> np.ndarray:
    """64 well mixed bits of each id (the finaliser of SplitMix64)."""
    x = ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))

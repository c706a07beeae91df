"""What a context says of a vector: conditional means over FIT, shrunk towards shorter contexts.

The mean of a context is drawn towards that of the next shorter context by ``PULL`` imaginary
observations, a token's towards the mean of all. A position alone says the mean at that position,
drawn towards the mean of all by ``POSITION_PULL``.

Where a context is known too, the two add up, and are fitted together: tokens such as ``Once`` or
``learned`` stand at few positions, so plain means would count what the position does twice. Token
and position effects are each the mean of what the other leaves (backfitting, Buja, Hastie and
Tibshirani 1989), ``SWEEPS`` times; longer contexts are means of what the position leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse
from torch import Tensor

from tinyinterp.model_account.contexts import ROOT, Contexts
from tinyinterp.processes import Processes

PULL = 2.0
POSITION_PULL = 5.0
SWEEPS = 10


@dataclass(frozen=True)
class Tree:
    """Rows of a table, the root first, then order by order; a row's parent comes before it.

    Args:
        parents: the row of the next shorter context; the root's is itself.
        edges: the first row of each order, and the number of rows.
    """

    parents: Int[Tensor, " row"]
    edges: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def orders(self) -> list[slice]:
        """The rows of each order."""
        return [slice(first, stop) for first, stop in pairwise(self.edges)]


@dataclass(frozen=True)
class TokenRows:
    """The contexts that some text needs, as rows of tables: memory does not grow with FIT.

    Args:
        contexts: all of FIT.
        tree: the rows.
        of_node: the row of each context, or of its longest shorter context among the rows.
    """

    contexts: Contexts
    tree: Tree
    of_node: Int[np.ndarray, " node"]

    def of(self, tokens: Int[Tensor, "batch position"]) -> Int[Tensor, "order batch position"]:
        """The row of each position's longest context of at most each order."""
        return torch.from_numpy(self.of_node[self.contexts.nodes(tokens.numpy())])


def rows_for(contexts: Contexts, tokens: Sequence[Int[Tensor, "_ _"]]) -> TokenRows:
    """The rows that the contexts of these tokens need."""
    wanted = np.zeros(len(contexts.parents), dtype=bool)
    wanted[ROOT] = True
    for each in tokens:
        wanted[contexts.nodes(each.numpy()).ravel()] = True
    of_node = np.where(wanted, np.cumsum(wanted) - 1, 0)
    firsts = [contexts.first(order) for order in range(1, contexts.order + 2)]
    for here in (slice(first, stop) for first, stop in pairwise(firsts)):
        of_node[here] = np.where(wanted[here], of_node[here], of_node[contexts.parents[here]])
    nodes = np.flatnonzero(wanted)
    parents = torch.from_numpy(of_node[contexts.parents[nodes]])
    edges = tuple(np.searchsorted(nodes, firsts).tolist())
    return TokenRows(contexts, Tree(parents, edges), of_node)


class Occurrences:
    """How often each context stands at each position of FIT.

    Args:
        tree: the contexts.
        longest: tokens of the longest sequence, FIT or TEST.
    """

    def __init__(self, tree: Tree, longest: int) -> None:
        self._tree, self.longest = tree, longest
        self._counts = torch.zeros(len(tree) * longest, dtype=torch.int32)

    def add(
        self, rows: Int[Tensor, "batch position"], mask: Bool[Tensor, "batch position"]
    ) -> None:
        """Take in the contexts at every position that is not masked."""
        codes = rows * self.longest + torch.arange(rows.shape[1])
        found, times = codes[mask].unique(return_counts=True)
        self._counts[found] += times.int()

    def merge(self, processes: Processes) -> None:
        """Add the counts of other processes."""
        processes.add(self._counts)

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """Contexts by positions; a context's occurrences are counted among its parents' too."""
        counts = self._counts.view(len(self._tree), -1).clone()
        for here in reversed(self._tree.orders):
            counts.index_add_(0, self._tree.parents[here], counts[here].clone())
        return sparse.csr_matrix(counts.numpy().astype(np.float64))


class ContextSums:
    """Adds up vectors over FIT by context and by position.

    Args:
        tree: the contexts.
        width: of the vectors.
        longest: tokens of the longest sequence, FIT or TEST.
    """

    def __init__(self, tree: Tree, width: int, longest: int) -> None:
        self.tree = tree
        self._sums = torch.zeros(len(tree), width, dtype=torch.float64)
        self._counts = torch.zeros(len(tree), dtype=torch.float64)
        self._by_position = torch.zeros(longest, width, dtype=torch.float64)
        self._at_position = torch.zeros(longest, dtype=torch.float64)

    def add(
        self,
        values: Float[Tensor, "batch position width"],
        rows: Int[Tensor, "batch position"],
        mask: Bool[Tensor, "batch position"],
    ) -> None:
        """Take in the vectors at every position that is not masked.

        Args:
            values: the vectors.
            rows: of the longest contexts.
            mask: which positions count.
        """
        exact, at = values[mask].double(), rows[mask]
        self._sums.index_add_(0, at, exact)
        self._counts += torch.bincount(at, minlength=len(self.tree))
        positions = torch.arange(values.shape[1]).expand(mask.shape)[mask]
        self._by_position.index_add_(0, positions, exact)
        self._at_position += torch.bincount(positions, minlength=len(self._at_position))

    def merge(self, processes: Processes) -> None:
        """Add the sums of other processes."""
        processes.add(self._sums, self._counts, self._by_position, self._at_position)

    def means(self, occurrences: sparse.csr_matrix | None = None) -> ContextMeans:
        """The shrunken means; the sums are used up.

        Args:
            occurrences: of each context at each position, for positions to be fitted together with
                tokens; None: what they add to a context is what they say alone.
        """
        sums, counts, parents = self._sums, self._counts, self.tree.parents
        for here in reversed(self.tree.orders):  # what a longer context holds its parent holds
            sums.index_add_(0, parents[here], sums[here].clone())
            counts.index_add_(0, parents[here], counts[here].clone())
        mean = sums[0] / counts[0].clamp_min(1)
        there = (self._at_position + POSITION_PULL)[:, None]
        alone = (self._by_position - self._at_position[:, None] * mean) / there
        means, beside = sums, alone
        if occurrences is not None:
            beside = self._beside(occurrences, sums, counts, mean)
            means = sums - torch.from_numpy(occurrences @ beside.numpy())
        means[0] = mean
        for here in self.tree.orders:
            means[here] += PULL * means[parents[here]]
            means[here] /= (counts[here] + PULL)[:, None]
        return ContextMeans(means.float(), alone.float(), beside.float())

    def _beside(
        self,
        occurrences: sparse.csr_matrix,
        sums: Float[Tensor, "row width"],
        counts: Float[Tensor, " row"],
        mean: Float[Tensor, " width"],
    ) -> Float[Tensor, "longest width"]:
        """What the position adds where the token is known."""
        tokens = self.tree.orders[0]
        of_tokens = occurrences[tokens]
        unknown = np.asarray(occurrences[0].todense() - of_tokens.sum(0)).ravel()
        by_position = self._by_position - torch.from_numpy(unknown)[:, None] * mean
        found = torch.zeros_like(by_position)
        for _ in range(SWEEPS):
            left = sums[tokens] - torch.from_numpy(of_tokens @ found.numpy())
            of_token = (left + PULL * mean) / (counts[tokens] + PULL)[:, None]
            rest = by_position - torch.from_numpy(of_tokens.T @ of_token.numpy())
            found = rest / (self._at_position + POSITION_PULL)[:, None]
        return found


@dataclass(frozen=True)
class ContextMeans:
    """Shrunken means by context, and what the position adds."""

    by_row: Float[Tensor, "row width"]  # the first is the mean of all
    by_position: Float[Tensor, "longest width"]  # what a position adds to the mean of all
    beside: Float[Tensor, "longest width"]  # what it adds to a context

    def predict(self, rows: Int[Tensor, "batch position"]) -> Float[Tensor, "batch position width"]:
        """What the contexts at each position say, and the position."""
        return self.by_row[rows] + self.beside[: rows.shape[1]]

    def at_positions(self, n_positions: int) -> Float[Tensor, "position width"]:
        """What the position alone says."""
        return self.by_row[0] + self.by_position[:n_positions]

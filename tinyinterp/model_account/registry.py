"""Predictors of neurons that are declared in one place; the account's columns follow from it.

A :class:`NeuronPredictor` sorts the tokens of a story into classes: by how they are written, by
where they stand in their sentence, by anything that a story says. What it predicts of a neuron is
its mean activation on the class, fitted on FIT; the account then says how much of each neuron's
variance over TEST that explains (``r2_NAME``, with its interval) and with what correlation
(``r_NAME``). It stands beside the ladder, as parts of speech do: no component can need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.model_account.means import Tree
from tinyinterp.registry import Registry, require_column_name
from tinyinterp.text.sequences import MicroBatch, Sequence


@dataclass(frozen=True, kw_only=True)
class NeuronPredictor:
    """A sorting of tokens into classes.

    Args:
        name: of its columns, ``r2_NAME`` and ``r_NAME``, in small letters with underscores.
        about: what it knows, in a sentence.
        n_classes: how many there are.
        classes: the class of each token of a sequence, counted from 0.

    Raises:
        SelectionError: the name is none of a column, or something is missing.
    """

    name: str
    about: str
    n_classes: int
    classes: Callable[[Sequence], Int[np.ndarray, " position"]] = field(repr=False)

    def __post_init__(self) -> None:
        require_column_name("predictor", self.name, "capital")
        if not self.about.endswith(".") or self.n_classes < 2:
            raise SelectionError(
                f"the predictor {self.name!r} has {self.n_classes} classes and is about "
                f"{self.about!r}; give two classes or more, and a sentence with a full stop"
            )


_PREDICTORS: Registry[NeuronPredictor] = Registry("predictor")
register = _PREDICTORS.register
unregister = _PREDICTORS.unregister
registered = _PREDICTORS.registered  # those of every account


class ClassRows:
    """The classes of each predictor as rows of a table of its own; row 0 is the mean of all.

    Args:
        predictors: those that are declared.
        taken: names that they must not have, since the account has such columns.

    Raises:
        SelectionError: one of them has such a name.
    """

    def __init__(
        self, predictors: Iterable[NeuronPredictor] = (), taken: Iterable[str] = ()
    ) -> None:
        self.predictors = tuple(predictors)
        if found := sorted(set(self.names) & set(taken)):
            raise SelectionError(
                f"the account has a predictor {found[0]!r} of its own; give the one that is "
                "registered another name"
            )
        self.trees = [
            Tree(torch.zeros(1 + each.n_classes, dtype=torch.int64), (1, 1 + each.n_classes))
            for each in self.predictors
        ]
        self._held: tuple[MicroBatch, Int[Tensor, "predictor batch position"]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the predictors, in order."""
        return tuple(each.name for each in self.predictors)

    def of(self, batch: MicroBatch) -> Int[Tensor, "predictor batch position"]:
        """The row of each position's class.

        Raises:
            SelectionError: a predictor gave something else than a class for each token.
        """
        if self._held is None or self._held[0] is not batch:
            self._held = batch, self._read(batch)
        return self._held[1]

    def _read(self, batch: MicroBatch) -> Int[Tensor, "predictor batch position"]:
        rows = torch.zeros((len(self.predictors), *batch.tokens.shape), dtype=torch.int64)
        for number, each in enumerate(self.predictors):
            for row, sequence in enumerate(batch.sequences):
                found, length = np.asarray(each.classes(sequence)), len(sequence.tokens)
                if found.shape != (length,) or found.min() < 0 or found.max() >= each.n_classes:
                    raise SelectionError(
                        f"the predictor {each.name!r} gave {found!r:.60} for {length} tokens; "
                        f"expected a whole number from 0 to {each.n_classes - 1} for each"
                    )
                rows[number, row, :length] = torch.from_numpy(1 + found.astype(np.int64))
        return rows

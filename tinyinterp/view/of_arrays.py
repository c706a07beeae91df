"""Tensors of one's own in the same widgets: patched patterns, differences, another's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tinyinterp.errors import SelectionError
from tinyinterp.views.widgets import Choice, ColouredText, Widget, attention_widget, coloured_widget


def pattern(
    tokens: Sequence[str],
    array: Any,
    *,
    names: Sequence[str] | None = None,
    title: str = "Pattern",
) -> Widget:
    """Any values of queries on keys: choose one pattern of several, hover over a token.

    Weights from 0 to 1 have the colours of attention. Where a value is negative, orange is above
    zero and blue below. All patterns of a widget share one scale.

    Args:
        tokens: the text, one string a position.
        array: ``[query key]`` or ``[head query key]``, a torch tensor, a numpy array, or lists of
            numbers; a batch axis of 1 in front is left out. NaN and infinity are shown as unknown.
        names: of the heads; None: ``head 0``, ``head 1``, ...
        title: above the widget.

    Raises:
        SelectionError: the shape is another, the values are no numbers, or there are too many.
    """
    words = _words(tokens)
    values = _numbers(array)
    if values.ndim == 4 and len(values) == 1:
        values = values[0]
    patterns = values[None] if values.ndim == 2 else values
    n = len(words)
    if patterns.ndim != 3 or patterns.shape[1:] != (n, n) or not len(patterns):
        raise SelectionError(
            f"the array has shape {list(values.shape)}; expected [{n}, {n}] or [heads, {n}, {n}], "
            f"as there are {n} tokens"
        )
    return attention_widget(patterns, words, _names(names, len(patterns), "head"), title)


def values(
    tokens: Sequence[str],
    array: Any,
    *,
    names: Sequence[str] | None = None,
    title: str = "Values",
) -> Widget:
    """A text coloured by any value of its tokens: orange is above zero, blue below.

    Args:
        tokens: the text, one string a position.
        array: ``[position]``, or ``[row position]`` to choose one of several rows; a torch tensor,
            a numpy array, or lists of numbers. NaN and infinity are shown as unknown.
        names: of the rows; None: ``row 0``, ``row 1``, ...
        title: above the widget.

    Raises:
        SelectionError: the shape is another, or the values are no numbers.
    """
    words = _words(tokens)
    found = _numbers(array)
    rows = found[None] if found.ndim == 1 else found
    if rows.ndim != 2 or rows.shape[1] != len(words) or not len(rows):
        n = len(words)
        raise SelectionError(
            f"the array has shape {list(found.shape)}; expected [{n}] or [rows, {n}], as there "
            f"are {n} tokens"
        )
    choices = [
        Choice(name, [ColouredText(words, row.tolist())])
        for name, row in zip(_names(names, len(rows), "row"), rows, strict=True)
    ]
    return coloured_widget(choices, title, least=0.0)


def _words(tokens: Sequence[str]) -> list[str]:
    words = None if isinstance(tokens, str) else _listed(tokens)
    if not words or not all(isinstance(word, str) for word in words):
        raise SelectionError(
            f"tokens is {tokens!r:.80}; expected a list with the text of each token, such as "
            "model.run(text).tokens"
        )
    return words


def _listed(given: Any) -> list[Any] | None:
    try:
        return list(given)
    except TypeError:
        return None


def _numbers(array: Any) -> np.ndarray:
    """The values in fp64, NaN for those that are not finite."""
    try:
        if isinstance(array, torch.Tensor):
            array = array.detach().to("cpu", torch.float64).numpy()
        found = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise SelectionError(
            f"{type(array).__name__} is no array of numbers: give a torch tensor, a numpy array, "
            "or lists of numbers of equal length"
        ) from None
    return np.where(np.isfinite(found), found, np.nan)


def _names(names: Sequence[str] | None, count: int, what: str) -> list[str]:
    if names is None:
        return [f"{what} {number}" for number in range(count)]
    listed = None if isinstance(names, str) else _listed(names)
    if listed is None or len(listed) != count:
        raise SelectionError(f"names is {names!r:.80}; expected {count} names, one for each {what}")
    return list(map(str, listed))

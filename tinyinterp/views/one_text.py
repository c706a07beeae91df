"""One text through a model: its tokens, a layer's attention patterns, its activations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census.reading import read
from tinyinterp.scan import Hook, forward, hooked_at


@dataclass(frozen=True)
class OneText:
    """A text as the model reads it: end-of-text first, as at the start of a story."""

    ids: Int[Tensor, " position"]
    tokens: list[str]  # what each stands for; half a character as <0xF0>


def tokenize(model: Model, text: str) -> OneText:
    """The tokens of ``text``.

    Raises:
        CorpusError: it is empty, or longer than the model's context.
    """
    if not text.strip():
        raise CorpusError("the text is empty; give at least one word")
    tokenizer, n_ctx = model.tokenizer, model.config.n_ctx
    ids = [tokenizer.end_of_text, *tokenizer.encode(text).ids]
    if len(ids) > n_ctx:
        raise CorpusError(
            f"the text has {len(ids) - 1} tokens; the context of {model.name!r} holds {n_ctx}, one "
            f"of them the start of the story: give at most {n_ctx - 1}"
        )
    return OneText(torch.tensor(ids), [tokenizer.token_text(token) for token in ids])


def check_layer(model: Model, layer: int) -> None:
    """Refuse a layer that the model does not have.

    Raises:
        SelectionError: there is none of that number.
    """
    _check("layer", layer, model.config.n_layers)


def choose(
    what: str, given: SupportsIndex | Sequence[SupportsIndex] | None, count: int
) -> list[int]:
    """The heads or neurons that were asked for, as a list; None: all.

    Raises:
        SelectionError: one of them does not exist, or none was given.
    """
    if given is None:
        return list(range(count))
    chosen = [index(number) for number in (given if isinstance(given, Iterable) else [given])]
    if not chosen:
        raise SelectionError(f"no {what} was given; name at least one")
    for number in chosen:
        _check(what, number, count)
    return chosen


def read_pattern(
    model: Model, tokens: Int[Tensor, " position"], layer: int
) -> Float[np.ndarray, "head query key"]:
    """The attention patterns of a layer.

    Raises:
        SelectionError: there is no such layer.
    """
    check_layer(model, layer)
    return _value_at(model, tokens, f"blocks.{layer}.attn.hook_pattern")


def read_activations(
    model: Model, tokens: Int[Tensor, " position"], layer: int
) -> Float[np.ndarray, "position neuron"]:
    """The activations of the neurons of a layer.

    Raises:
        SelectionError: there is no such layer.
    """
    name, _ = read(model.decoder, layer, "post")
    return _value_at(model, tokens, name)


def _value_at(
    model: Model, tokens: Int[Tensor, " position"], hook_name: str
) -> Float[np.ndarray, "..."]:
    found: list[Float[np.ndarray, "..."]] = []

    def keep(value: Tensor) -> None:
        found.append(value[0].cpu().numpy())

    hooks: dict[str, Hook] = {hook_name: keep}
    with torch.inference_mode(), hooked_at(model.decoder, hooks, stop=True):
        forward(model.decoder, tokens[None])
    return found[0]


def _check(what: str, number: int, count: int) -> None:
    if not 0 <= number < count:
        raise SelectionError(
            f"there is no {what} {number}; this model has {count}, counted from 0 to {count - 1}"
        )

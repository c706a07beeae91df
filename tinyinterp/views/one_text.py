"""One text through a model: its tokens, what a layer's heads look at, what its neurons do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import CorpusError
from tinyinterp.model import Model
from tinyinterp.neuron_census.reading import read
from tinyinterp.scan import forward, kept
from tinyinterp.selection import Index, choose_one


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


def read_pattern(
    model: Model, tokens: Int[Tensor, " position"], layer: Index
) -> Float[np.ndarray, "head query key"]:
    """What each head of a layer looks at.

    Raises:
        SelectionError: there is no such layer.
    """
    layer = choose_one("layer", layer, model.config.n_layers)
    return _listen(model, tokens, f"blocks.{layer}.attn.hook_pattern")


def read_activations(
    model: Model, tokens: Int[Tensor, " position"], layer: Index
) -> Float[np.ndarray, "position neuron"]:
    """What each neuron of a layer hands on.

    Raises:
        SelectionError: there is no such layer.
    """
    name, _ = read(model.decoder, layer, "post")
    return _listen(model, tokens, name)


def _listen(model: Model, tokens: Int[Tensor, " position"], name: str) -> Float[np.ndarray, "..."]:
    with torch.inference_mode(), kept(model.decoder, [name], stop=True) as seen:
        forward(model.decoder, tokens[None])
    return seen[name][0].cpu().numpy()

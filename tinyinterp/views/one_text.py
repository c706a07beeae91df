"""One text through a model: its tokens, a layer's attention patterns and neuron activations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import CorpusError
from tinyinterp.io.progress import say
from tinyinterp.model import Model
from tinyinterp.neuron_census.activations import hook_of
from tinyinterp.scan import forward, kept
from tinyinterp.selection import Index, choose_one
from tinyinterp.text.unknown import unknown_note


@dataclass(frozen=True)
class OneText:
    """A text as the model reads it at the start of a story, behind its start token if any."""

    ids: Int[Tensor, " position"]
    tokens: list[str]  # the text of each; half a character as <0xF0>


def tokenize(model: Model, text: str) -> OneText:
    """The tokens of ``text``.

    Raises:
        CorpusError: it is empty, or longer than the model's context.
    """
    if not text.strip():
        raise CorpusError("the text is empty; give at least one word")
    tokenizer, n_ctx = model.tokenizer, model.config.n_ctx
    encoding, front = tokenizer.encode(text), tokenizer.front
    ids, most = [*front, *encoding.ids], n_ctx - len(front)
    if len(ids) > n_ctx:
        start = f", one of them {tokenizer.start_name}" if front else ""
        raise CorpusError(
            f"the text has {len(encoding.ids)} tokens; the context of {model.name!r} holds "
            f"{n_ctx}{start}: give at most {most}"
        )
    if lost := tokenizer.unknown_characters(text, encoding):
        say(f"note: {unknown_note(lost)}")
    return OneText(torch.tensor(ids), [tokenizer.token_text(token) for token in ids])


def read_pattern(
    model: Model, tokens: Int[Tensor, " position"], layer: Index
) -> Float[np.ndarray, "head query key"]:
    """The attention pattern of each head of a layer.

    Raises:
        SelectionError: there is no such layer.
    """
    layer = choose_one("layer", layer, model.config.n_layers)
    return _run(model, tokens, f"blocks.{layer}.attn.hook_pattern")


def read_activations(
    model: Model, tokens: Int[Tensor, " position"], layer: Index
) -> Float[np.ndarray, "position neuron"]:
    """The activations of each neuron of a layer, after the non-linearity.

    Raises:
        SelectionError: there is no such layer.
    """
    hook_name, _ = hook_of(model.decoder, layer, "post")
    return _run(model, tokens, hook_name)


def _run(
    model: Model, tokens: Int[Tensor, " position"], hook_name: str
) -> Float[np.ndarray, "..."]:
    with torch.inference_mode(), kept(model.decoder, [hook_name], stop=True) as seen:
        forward(model.decoder, tokens[None])
    return seen[hook_name][0].cpu().numpy()

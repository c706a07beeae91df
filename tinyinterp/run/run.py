"""A run: one text through the decoder, and everything that was computed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from tinyinterp.network.decoder import Decoder
from tinyinterp.run.components import Component
from tinyinterp.run.switches import POST, Instead, Z
from tinyinterp.run.words import Read
from tinyinterp.scan import forward, hooked_at, kept

PATTERN, BEFORE = "attn.hook_pattern", "hook_resid_pre"


@dataclass(frozen=True, eq=False)
class Run:
    """What a model does with one text.

    Position 0 is the start token, where the model has one. Logits and losses at a position are of
    the token that follows it.

    Args:
        tokens: the text of each token.
        ids: the tokens.
        off: the heads and neurons that were switched off.
        logits: for the token after each position.
        losses: of the token after each position, in nats; the last position has none.
        patterns: attention of every head.
        z: output of every head before ``W_O``.
        activations: of every neuron, after the non-linearity.
        stream: the residual stream before each layer, and after the last.
    """

    tokens: list[str]
    ids: Int[Tensor, " position"]
    off: tuple[Component, ...]
    logits: Float[Tensor, "position n_vocab"]
    losses: Float[Tensor, " predicted"]
    patterns: Float[Tensor, "layer head query key"]
    z: Float[Tensor, "layer position head d_head"]
    activations: Float[Tensor, "layer position neuron"]
    stream: Float[Tensor, "level position d_model"]

    def __repr__(self) -> str:
        off = f", without {', '.join(map(str, self.off))}" if self.off else ""
        mean = f", {self.losses.mean().item():.3f} nats a token" if len(self.losses) else ""
        return f"Run({len(self.tokens) - 1} tokens{mean}{off})"


def run_text(
    decoder: Decoder,
    read: Read,
    off: Sequence[Component] = (),
    instead: Instead | None = None,
) -> Run:
    """Read a text, with some heads and neurons replaced.

    Patterns, ``z`` and activations are those that the model went on with: of what is switched off,
    what stood in for it.

    Args:
        decoder: the model.
        read: the text.
        off: what is switched off.
        instead: what takes its place; needed where anything is switched off.
    """
    layers = range(decoder.config.n_layers)
    device = decoder.embed.weight.device
    tokens = read.ids[None].to(device)
    changes = {} if instead is None or not off else instead.hooks(off, tokens)
    names = [f"blocks.{i}.{name}" for i in layers for name in (BEFORE, PATTERN, Z, POST)]
    with torch.inference_mode(), hooked_at(decoder, changes), kept(decoder, names) as seen:
        last = decoder.residual(tokens)
        logits = decoder.unembed(decoder.ln_final(last))[0].cpu()

    def stacked(name: str) -> Tensor:
        return torch.stack([seen[f"blocks.{i}.{name}"][0] for i in layers]).cpu()

    losses = F.cross_entropy(logits[:-1].double(), read.ids[1:], reduction="none").float()
    return Run(
        read.tokens,
        read.ids,
        tuple(off),
        logits,
        losses,
        stacked(PATTERN),
        stacked(Z),
        stacked(POST),
        torch.cat([stacked(BEFORE), last.cpu()]),
    )


def value_at(
    decoder: Decoder, ids: Int[Tensor, " position"], hook_name: str
) -> Float[Tensor, "*axes"]:
    """What one hook gives on a text, for little memory: nothing above it is computed.

    Raises:
        SelectionError: the model has no such hook.
    """
    with torch.inference_mode(), kept(decoder, [hook_name], stop=True) as seen:
        forward(decoder, ids[None])
    return seen[hook_name][0].cpu()

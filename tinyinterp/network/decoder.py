"""The decoder: a GPT-2, GPT-Neo, GPT-NeoX or Llama language model, to be read in ten minutes.

    tokens ─► embed + position ─► [ norm ► attention ► + ► norm ► MLP ► + ] × layers ► norm ► logits

The families differ in facts, all in :class:`DecoderConfig`:

    GPT-2     is the plain one
    GPT-Neo   has no query/key/value bias, does not divide attention scores by the square root of
              the head width, and in its *local* layers lets a query see only the last ``window``
              positions, itself included
    GPT-NeoX  (Pythia) turns a part of each query and key by its position in place of adding a
              position embedding, and lets attention and MLP of a block read the same stream
    Llama     turns them whole, shares keys and values among heads, has no biases, norms that keep
              the mean (RMSNorm), and gates in its MLPs

Every quantity of interest passes through a :class:`Tap`: a module that returns its input and has
TransformerLens's hook name for it (``blocks.3.attn.hook_pattern``). A plain PyTorch forward hook
there reads the same quantity in both, or changes it by returning another tensor. Attention uses the
fused kernel unless a hook listens to its scores or pattern.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from tinyinterp.errors import ConfigError
from tinyinterp.network.attention import Attention, KeyValueCache, Tap
from tinyinterp.network.config import (
    ACTIVATIONS,
    DecoderConfig,
)
from tinyinterp.network.embedding import make_embedding


def make_norm(config: DecoderConfig) -> nn.LayerNorm | nn.RMSNorm:
    """A norm of the residual stream."""
    kind = nn.RMSNorm if config.norm == "rms" else nn.LayerNorm
    return kind(config.d_model, config.layer_norm_eps)


class MLP(nn.Module):
    """The feed-forward half of a block; its hidden units are the neurons.

    A gated neuron is the product of its activated gate and a linear input: ``act(gate(x)) * up(x)``
    (Shazeer 2020), where ``hook_pre`` reads the gate.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate = (
            nn.Linear(config.d_model, config.d_mlp, config.mlp_bias) if config.gated else None
        )
        self.up = nn.Linear(config.d_model, config.d_mlp, config.mlp_bias)
        self.down = nn.Linear(config.d_mlp, config.d_model, config.mlp_bias)
        self.activation = ACTIVATIONS[config.activation]
        self.hook_pre = Tap()  # [batch position neuron]
        if config.gated:
            self.hook_pre_linear = Tap()  # [batch position neuron]
        self.hook_post = Tap()  # [batch position neuron]

    @property
    def into_activation(self) -> nn.Linear:
        """What gives ``hook_pre``: the gate where there is one."""
        return self.up if self.gate is None else self.gate

    def forward(
        self, x: Float[Tensor, "batch position d_model"]
    ) -> Float[Tensor, "batch position d_model"]:
        post = self.activation(self.hook_pre(self.into_activation(x)))
        if self.gate is not None:
            post = post * self.hook_pre_linear(self.up(x))
        return self.down(self.hook_post(post))


class Block(nn.Module):
    """Attention, then MLP, each read through a norm and added to the residual stream.

    In a parallel block the MLP reads what attention read, and there is no ``hook_resid_mid``.
    """

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.parallel = config.parallel
        self.ln1 = make_norm(config)
        self.attn = Attention(config, layer)
        self.ln2 = make_norm(config)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)
        self.hook_resid_pre = Tap()
        self.hook_attn_out = Tap()
        if not config.parallel:
            self.hook_resid_mid = Tap()
        self.hook_mlp_out = Tap()
        self.hook_resid_post = Tap()

    def forward(
        self,
        resid: Float[Tensor, "batch position d_model"],
        cache: KeyValueCache | None = None,
        segment_mask: Bool[Tensor, "batch 1 query key"] | None = None,
    ) -> Float[Tensor, "batch position d_model"]:
        resid = self.hook_resid_pre(resid)
        attn_out = self.hook_attn_out(self.attn(self.ln1(resid), cache, segment_mask))
        return self.after_attention(resid, attn_out)

    def after_attention(
        self,
        resid: Float[Tensor, "#batch position d_model"],
        attn_out: Float[Tensor, "batch position d_model"],
    ) -> Float[Tensor, "batch position d_model"]:
        """The stream after the block, from that before it and what its attention gives."""
        mid = resid + self.dropout(attn_out)
        if not self.parallel:
            resid = mid = self.hook_resid_mid(mid)
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(resid)))
        return self.hook_resid_post(mid + self.dropout(mlp_out))


class Decoder(nn.Module):
    """Token and position embeddings, blocks, final norm, output head."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = make_embedding(config.n_vocab, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.hook_embed = Tap()
        if config.learned_positions:
            self.pos_embed = make_embedding(config.n_ctx, config.d_model)
            self.hook_pos_embed = Tap()
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.ln_final = make_norm(config)
        device = "meta" if config.tied else None  # a weight of its own would be drawn for nothing
        self.unembed = nn.Linear(config.d_model, config.n_vocab, bias=False, device=device)
        if config.tied:
            self.unembed.weight = self.embed.weight

    def initialize(self, generator: torch.Generator) -> Decoder:
        """Draw fresh weights as the family does: normal, with standard deviation 0.02.

        As in GPT-2, outputs to the residual stream get 1/sqrt(2 layers) of that, and positions half
        of it; those of a GPT-NeoX or Llama have it whole. Biases are 0, norms 1. Works in place and
        returns the decoder.
        """
        learned = self.config.learned_positions
        residual_std = 0.02 / math.sqrt(2 * self.config.n_layers) if learned else 0.02
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif "ln" in name:
                nn.init.ones_(parameter)
            elif name.endswith(("attn.o.weight", "mlp.down.weight")):
                nn.init.normal_(parameter, std=residual_std, generator=generator)
            elif name == "pos_embed.weight":
                nn.init.normal_(parameter, std=0.01, generator=generator)
            else:
                nn.init.normal_(parameter, std=0.02, generator=generator)
        return self

    def residual(
        self,
        tokens: Int[Tensor, "batch position"],
        cache: KeyValueCache | None = None,
        stop_at_layer: int | None = None,
        story: Int[Tensor, "batch position"] | None = None,
    ) -> Float[Tensor, "batch position d_model"]:
        """The residual stream before layer ``stop_at_layer``, or after the last block.

        Where several stories are packed into a sequence, ``story`` has the number of the story at
        each position: positions are counted from the start of each story, and no story sees
        another.

        Raises:
            ConfigError: the sequence does not fit in the context.
        """
        past = len(cache) if cache is not None else 0
        n_positions = past + tokens.shape[1]
        if n_positions > self.config.n_ctx:
            raise ConfigError(
                f"{n_positions} positions were given, the context holds {self.config.n_ctx}; "
                "shorten the text, or split it into windows"
            )
        segment_mask = None
        if story is not None:
            segment_mask = (story[:, :, None] == story[:, None, :])[:, None]
        resid = self.hook_embed(self.embed(tokens))
        if self.config.learned_positions:
            positions = torch.arange(past, n_positions, device=tokens.device)
            positions = positions if story is None else _within_stories(story)
            resid = resid + self.hook_pos_embed(self.pos_embed(positions))
        resid = self.dropout(resid)
        for block in self.blocks[:stop_at_layer]:
            resid = block(resid, cache, segment_mask)
        return resid

    def features(
        self,
        tokens: Int[Tensor, "batch position"],
        cache: KeyValueCache | None = None,
        story: Int[Tensor, "batch position"] | None = None,
    ) -> Float[Tensor, "batch position d_model"]:
        """What the output head reads: the residual stream after the last block, normalised."""
        return self.ln_final(self.residual(tokens, cache, story=story))

    def forward(
        self, tokens: Int[Tensor, "batch position"], cache: KeyValueCache | None = None
    ) -> Float[Tensor, "batch position n_vocab"]:
        """Logits for the token after each position.

        With a ``cache``, ``tokens`` are the positions that follow the cached ones.
        """
        return self.unembed(self.features(tokens, cache))

    def block(self, layer: int) -> Block:
        """Block ``layer``, counted from 0, with its type known."""
        return cast("Block", self.blocks[layer])


def _within_stories(story: Int[Tensor, "batch position"]) -> Int[Tensor, "batch position"]:
    """Each position counted from the start of its story; stories are packed one after the other."""
    positions = torch.arange(story.shape[1], device=story.device).expand_as(story)
    begins = torch.ones_like(story, dtype=torch.bool)
    begins[:, 1:] = story[:, 1:] != story[:, :-1]
    return positions - positions.where(begins, 0).cummax(dim=1).values


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a decoder by part. ``output`` is the final norm and, if untied, the head."""

    embeddings: int
    blocks: int
    output: int

    @property
    def total(self) -> int:
        """All parameters; a tied head is counted once, with the embeddings."""
        return self.embeddings + self.blocks + self.output


def count_parameters(config: DecoderConfig) -> ParameterCount:
    """Parameters by part, counted on the meta device, which allocates nothing."""
    with torch.device("meta"):
        decoder = Decoder(config)

    def count(*modules: nn.Module) -> int:
        return sum({id(p): p.numel() for m in modules for p in m.parameters()}.values())

    positions = [decoder.pos_embed] if config.learned_positions else []
    embeddings = count(decoder.embed, *positions)
    blocks = count(decoder.blocks)
    return ParameterCount(embeddings, blocks, count(decoder) - embeddings - blocks)

"""The decoder: a GPT-2 or GPT-Neo language model in one file, to be read in ten minutes.

    tokens ─► embed + position ─► [ norm ► attention ► + ► norm ► MLP ► + ] × layers ► norm ► logits

What tells the two families apart is three facts, all in :class:`DecoderConfig`: GPT-Neo has no
query/key/value bias, does not divide attention scores by the square root of the head width, and in
its *local* layers lets a query see only the last ``window`` positions, itself included. GPT-2 has
the bias, divides, and is global throughout.

Every interesting place is a :class:`Tap`: a module that returns what it is given and has the name
that TransformerLens gives the same place (``blocks.3.attn.hook_pattern``), so that a plain PyTorch
forward hook reads, or by returning something else changes, the same quantity in both. Attention is
computed by the fused kernel unless somebody listens to the pattern.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from tinyinterp.errors import ConfigError

Architecture = Literal["gpt_neo", "gpt2"]
AttentionKind = Literal["global", "local"]
Activation = Literal["gelu_new", "gelu", "relu"]

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),  # the tanh form: OpenAI's, and GPT-Neo's
    "gelu": F.gelu,
    "relu": F.relu,
}


@dataclass(frozen=True)
class DecoderConfig:
    """The shape of a decoder. ``attention`` names each layer's kind, first layer first."""

    n_vocab: int
    n_ctx: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int = 0  # 0: four times d_model
    architecture: Architecture = "gpt_neo"
    attention: tuple[AttentionKind, ...] = ()  # (): GPT-Neo alternates, GPT-2 is global
    window: int = 256  # keys a local query can see, itself included
    activation: Activation = "gelu_new"
    tied: bool = True  # the output head is the token embedding
    layer_norm_eps: float = 1e-5
    dropout: float = field(default=0.0, compare=False)  # of embeddings and block outputs
    attention_dropout: float = field(default=0.0, compare=False)  # of patterns; slow on a CPU

    def __post_init__(self) -> None:
        if not self.d_mlp:
            object.__setattr__(self, "d_mlp", 4 * self.d_model)
        if not self.attention:
            pair: tuple[AttentionKind, ...] = ("global", "local")
            alternating = tuple(pair[layer % 2] for layer in range(self.n_layers))
            whole: tuple[AttentionKind, ...] = ("global",) * self.n_layers
            chosen = alternating if self.architecture == "gpt_neo" else whole
            object.__setattr__(self, "attention", chosen)
        self._check()

    def _check(self) -> None:
        for name in ("n_vocab", "n_ctx", "d_model", "n_layers", "n_heads", "d_mlp", "window"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.d_model % self.n_heads:
            raise ConfigError(
                f"d_model {self.d_model} does not divide into {self.n_heads} heads; "
                "choose n_heads so that d_model / n_heads is whole"
            )
        if len(self.attention) != self.n_layers:
            raise ConfigError(
                f"attention names {len(self.attention)} layers, the model has {self.n_layers}"
            )
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected 0 <= {name} < 1")
        self._check_words()

    def _check_words(self) -> None:
        for name, known in (("architecture", Architecture), ("activation", Activation)):
            if getattr(self, name) not in get_args(known):
                raise ConfigError(
                    f"{name} {getattr(self, name)!r} is not known; use one of {get_args(known)}"
                )
        if unknown := set(self.attention) - set(get_args(AttentionKind)):
            raise ConfigError(f"attention names {sorted(unknown)}; a layer is global or local")
        if self.architecture == "gpt2" and "local" in self.attention:
            raise ConfigError("a GPT-2 has no local layers; use architecture 'gpt_neo'")

    @property
    def d_head(self) -> int:
        """Width of one head."""
        return self.d_model // self.n_heads

    @property
    def scale_scores(self) -> bool:
        """Whether scores are divided by the square root of ``d_head``: GPT-2 yes, GPT-Neo no."""
        return self.architecture == "gpt2"

    @property
    def qkv_bias(self) -> bool:
        """Whether queries, keys and values have a bias: GPT-2 yes, GPT-Neo no."""
        return self.architecture == "gpt2"

    def window_of(self, layer: int) -> int | None:
        """Keys that a query of ``layer`` can see, itself included; None where it sees all."""
        return self.window if self.attention[layer] == "local" else None


class Tap(nn.Module):
    """A named place: returns what it is given, so that a forward hook may look or replace."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @property
    def listened_to(self) -> bool:
        """Whether any forward hook is registered here."""
        return bool(self._forward_hooks)


class KeyValueCache:
    """Keys and values of the positions already read, one pair a layer, for generation."""

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        """Positions held."""
        return self._layers[0][0].shape[2] if self._layers else 0

    def extend(
        self,
        layer: int,
        k: Float[Tensor, "batch head new d_head"],
        v: Float[Tensor, "batch head new d_head"],
    ) -> tuple[Float[Tensor, "batch head key d_head"], Float[Tensor, "batch head key d_head"]]:
        """Append to ``layer`` and return all of its keys and values."""
        if layer in self._layers:
            old_k, old_v = self._layers[layer]
            k, v = torch.cat((old_k, k), dim=2), torch.cat((old_v, v), dim=2)
        self._layers[layer] = (k, v)
        return k, v

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Drop the sequences of the batch that are not in ``rows``."""
        self._layers = {layer: (k[rows], v[rows]) for layer, (k, v) in self._layers.items()}


def allowed_keys(
    n_query: int, n_key: int, window: int | None, device: torch.device | None = None
) -> Bool[Tensor, "query key"]:
    """Which keys each of the last ``n_query`` of ``n_key`` positions may see.

    Query ``i`` sees key ``j`` if ``j <= i`` and, in a local layer, ``j > i - window``.
    """
    query = torch.arange(n_key - n_query, n_key, device=device)[:, None]
    key = torch.arange(n_key, device=device)[None, :]
    allowed = key <= query
    return allowed if window is None else allowed & (key > query - window)


class Attention(nn.Module):
    """Causal self-attention, global or within a window."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_heads = config.n_heads
        self.window = config.window_of(layer)
        self.scale = 1 / math.sqrt(config.d_head) if config.scale_scores else 1.0
        self.q = nn.Linear(config.d_model, config.d_model, bias=config.qkv_bias)
        self.k = nn.Linear(config.d_model, config.d_model, bias=config.qkv_bias)
        self.v = nn.Linear(config.d_model, config.d_model, bias=config.qkv_bias)
        self.o = nn.Linear(config.d_model, config.d_model)
        self.dropout = config.attention_dropout
        self.fused = True  # False: always the explicit form, 2 to 3 times faster in bf16 on a CPU
        self.hook_attn_scores = Tap()  # [batch head query key], minus infinity where not allowed
        self.hook_pattern = Tap()  # [batch head query key]
        self.hook_z = Tap()  # [batch query head d_head]

    def forward(
        self, x: Float[Tensor, "batch query d_model"], cache: KeyValueCache | None = None
    ) -> Float[Tensor, "batch query d_model"]:
        q, k, v = (
            rearrange(project(x), "b t (h d) -> b h t d", h=self.n_heads)
            for project in (self.q, self.k, self.v)
        )
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
        tapped = self.hook_pattern.listened_to or self.hook_attn_scores.listened_to
        z = self._fused(q, k, v) if self.fused and not tapped else self._explicit(q, k, v)
        z = self.hook_z(rearrange(z, "b h t d -> b t h d"))
        return self.o(rearrange(z, "b t h d -> b t (h d)"))

    def _fused(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n_query, n_key = q.shape[2], k.shape[2]
        dropout = self.dropout if self.training else 0.0
        windowed = self.window is not None and self.window < n_key
        if n_query == n_key and not windowed:
            return F.scaled_dot_product_attention(
                q, k, v, is_causal=True, dropout_p=dropout, scale=self.scale
            )
        mask = allowed_keys(n_query, n_key, self.window, q.device)
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, scale=self.scale
        )

    def _explicit(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The same numbers as the fused kernel, with scores and pattern in the open."""
        scores = einsum(q * self.scale, k, "b h q d, b h k d -> b h q k")
        allowed = allowed_keys(q.shape[2], k.shape[2], self.window, q.device)
        scores = self.hook_attn_scores(scores.masked_fill(~allowed, -torch.inf))
        pattern = self.hook_pattern(scores.softmax(dim=-1))
        pattern = F.dropout(pattern, self.dropout, self.training)
        return einsum(pattern, v, "b h q k, b h k d -> b h q d")


class MLP(nn.Module):
    """The feed-forward half of a block; its hidden units are the neurons."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_mlp)
        self.down = nn.Linear(config.d_mlp, config.d_model)
        self.activation = ACTIVATIONS[config.activation]
        self.hook_pre = Tap()  # [batch position neuron]
        self.hook_post = Tap()  # [batch position neuron]

    def forward(
        self, x: Float[Tensor, "batch position d_model"]
    ) -> Float[Tensor, "batch position d_model"]:
        return self.down(self.hook_post(self.activation(self.hook_pre(self.up(x)))))


class Block(nn.Module):
    """Attention, then MLP, each read through a layer norm and added to the residual stream."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(config.d_model, config.layer_norm_eps)
        self.attn = Attention(config, layer)
        self.ln2 = nn.LayerNorm(config.d_model, config.layer_norm_eps)
        self.mlp = MLP(config)
        self.dropout = nn.Dropout(config.dropout)
        self.hook_resid_pre = Tap()
        self.hook_attn_out = Tap()
        self.hook_resid_mid = Tap()
        self.hook_mlp_out = Tap()
        self.hook_resid_post = Tap()

    def forward(
        self, resid: Float[Tensor, "batch position d_model"], cache: KeyValueCache | None = None
    ) -> Float[Tensor, "batch position d_model"]:
        resid = self.hook_resid_pre(resid)
        attn_out = self.hook_attn_out(self.attn(self.ln1(resid), cache))
        resid = self.hook_resid_mid(resid + self.dropout(attn_out))
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(resid)))
        return self.hook_resid_post(resid + self.dropout(mlp_out))


class Decoder(nn.Module):
    """Token and position embeddings, blocks, final norm, output head."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.n_vocab, config.d_model)
        self.pos_embed = nn.Embedding(config.n_ctx, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.hook_embed = Tap()
        self.hook_pos_embed = Tap()
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.ln_final = nn.LayerNorm(config.d_model, config.layer_norm_eps)
        self.unembed = nn.Linear(config.d_model, config.n_vocab, bias=False)
        if config.tied:
            self.unembed.weight = self.embed.weight

    def initialize(self, generator: torch.Generator) -> Decoder:
        """Draw fresh weights as GPT-2 does: normal, 0.02; residual outputs 1/sqrt(2 layers) of it.

        In place; returns the decoder. Biases are 0, norms 1. Positions get half the deviation.
        """
        residual_std = 0.02 / math.sqrt(2 * self.config.n_layers)
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
    ) -> Float[Tensor, "batch position d_model"]:
        """The residual stream before layer ``stop_at_layer``, or after the last block.

        Raises:
            ConfigError: the sequence does not fit in the context.
        """
        past = len(cache) if cache is not None else 0
        n_positions = past + tokens.shape[1]
        if n_positions > self.config.n_ctx:
            raise ConfigError(
                f"{n_positions} positions were given, the context has {self.config.n_ctx}; "
                "shorten the text or split it into windows"
            )
        positions = torch.arange(past, n_positions, device=tokens.device)
        resid = self.hook_embed(self.embed(tokens)) + self.hook_pos_embed(self.pos_embed(positions))
        resid = self.dropout(resid)
        for block in self.blocks[:stop_at_layer]:
            resid = block(resid, cache)
        return resid

    def forward(
        self, tokens: Int[Tensor, "batch position"], cache: KeyValueCache | None = None
    ) -> Float[Tensor, "batch position n_vocab"]:
        """Logits for the token after each position.

        With a ``cache``, ``tokens`` are the positions that follow the cached ones.
        """
        return self.unembed(self.ln_final(self.residual(tokens, cache)))

    def block(self, layer: int) -> Block:
        """Block ``layer``, counted from 0, with its type known."""
        return cast("Block", self.blocks[layer])


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
    """Count without allocating: the decoder is built on the meta device."""
    with torch.device("meta"):
        decoder = Decoder(config)

    def count(*modules: nn.Module) -> int:
        return sum({id(p): p.numel() for m in modules for p in m.parameters()}.values())

    embeddings = count(decoder.embed, decoder.pos_embed)
    blocks = count(decoder.blocks)
    return ParameterCount(embeddings, blocks, count(decoder) - embeddings - blocks)

"""Attention: causal, global or within a window, in three forms that give the same numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from tinyinterp.network.blocked_attention import blocked_attention
from tinyinterp.network.config import DecoderConfig

AttentionForm = Literal["fused", "explicit", "blocked"]  # explicit wherever a pattern is tapped
GROWTH = 64  # positions that a cache makes room for at once


class Tap(nn.Module):
    """Returns its input under a hook name, so that a forward hook can read or replace it."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @property
    def listened_to(self) -> bool:
        """Whether any forward hook is registered here."""
        return bool(self._forward_hooks)


class KeyValueCache:
    """Keys and values of the positions read so far, one pair per layer, for generation.

    They lie at the beginning of larger arrays, so that a new position copies no old one.
    """

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}
        self._held: dict[int, int] = {}

    def __len__(self) -> int:
        """Positions held."""
        return self.held(0)

    def held(self, layer: int) -> int:
        """Positions that ``layer`` has appended; those below have the newest already."""
        return self._held.get(layer, 0)

    def extend(
        self,
        layer: int,
        k: Float[Tensor, "batch head new d_head"],
        v: Float[Tensor, "batch head new d_head"],
    ) -> tuple[Float[Tensor, "batch head key d_head"], Float[Tensor, "batch head key d_head"]]:
        """Append keys and values to ``layer``; returns all it has."""
        past, n_positions = self.held(layer), self.held(layer) + k.shape[2]
        if layer not in self._layers or n_positions > self._layers[layer][0].shape[2]:
            shape = (*k.shape[:2], n_positions + GROWTH, k.shape[3])
            larger = (k.new_empty(shape), v.new_empty(shape))
            if past:
                for part, old in zip(larger, self._layers[layer], strict=True):
                    part[:, :, :past] = old[:, :, :past]
            self._layers[layer] = larger
        held_k, held_v = self._layers[layer]
        held_k[:, :, past:n_positions] = k
        held_v[:, :, past:n_positions] = v
        self._held[layer] = n_positions
        return held_k[:, :, :n_positions], held_v[:, :, :n_positions]

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Drop the sequences of the batch that are not in ``rows``."""
        self._layers = {layer: (k[rows], v[rows]) for layer, (k, v) in self._layers.items()}


ALL_AT_ONCE = 1 << 13  # positions whose rotations are computed together


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


@lru_cache(maxsize=16)
@torch.inference_mode(mode=False)
def rotations(
    n_positions: int, rotary_dim: int, base: float, device: torch.device, dtype: torch.dtype
) -> tuple[Float[Tensor, "position pair"], Float[Tensor, "position pair"]]:
    """Cosine and sine of the angle by which each position turns each pair of dimensions.

    Pair ``i`` turns by ``base ** (-2 i / rotary_dim)`` a position (Su et al. 2021). Angles are
    computed in fp32, as the published models were trained.
    """
    slow = torch.arange(0, rotary_dim, 2, device=device).float() / rotary_dim
    positions = torch.arange(n_positions, device=device).float()
    angles = positions[:, None] * (1 / base**slow)
    return angles.cos().to(dtype), angles.sin().to(dtype)


class Attention(nn.Module):
    """Causal self-attention, global or within a window."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_ctx, self.d_head = config.n_ctx, config.d_head
        self.n_heads = config.n_heads
        self.sharing = config.n_heads // config.n_key_value_heads  # heads of one key and value
        self.window = config.window_of(layer)
        self.scale = config.scale_of(layer)
        self.rotary_dim, self.rotary_base = config.rotary_dim, config.rotary_base
        self.qkv_bias = config.qkv_bias
        width, shared = config.n_heads * config.d_head, config.n_key_value_heads * config.d_head
        self.q = nn.Linear(config.d_model, width, bias=config.qkv_bias)
        self.k = nn.Linear(config.d_model, shared, bias=config.qkv_bias)
        self.v = nn.Linear(config.d_model, shared, bias=config.qkv_bias)
        self.o = nn.Linear(width, config.d_model, bias=config.out_bias)
        self.dropout = config.attention_dropout
        self.form: AttentionForm = "fused"
        self.hook_attn_scores = Tap()  # [batch head query key], minus infinity where not allowed
        self.hook_pattern = Tap()  # [batch head query key]
        self.hook_z = Tap()  # [batch query head d_head]

    def forward(
        self,
        x: Float[Tensor, "batch query d_model"],
        cache: KeyValueCache | None = None,
        segment_mask: Bool[Tensor, "batch 1 query key"] | None = None,
    ) -> Float[Tensor, "batch query d_model"]:
        q, k, v = self._project(x)
        if self.rotary_dim:
            past = cache.held(self.layer) if cache is not None else 0
            q, k = self._rotated(q, past), self._rotated(k, past)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
        k, v = self._for_every_head(k), self._for_every_head(v)
        tapped = self.hook_pattern.listened_to or self.hook_attn_scores.listened_to
        alone = segment_mask is None and cache is None
        if tapped or self.form == "explicit":
            z = self._explicit(q, k, v, segment_mask)
        elif self.form == "blocked" and alone and not (self.training and self.dropout):
            z = blocked_attention(q, k, v, self.scale, self.window)
        else:
            z = self._fused(q, k, v, segment_mask)
        z = self.hook_z(rearrange(z, "b h t d -> b t h d"))
        return self.o(rearrange(z, "b t h d -> b t (h d)"))

    def values(
        self, x: Float[Tensor, "batch key d_model"]
    ) -> Float[Tensor, "batch key head d_head"]:
        """What each head would add to its ``hook_z`` for attending to each position."""
        v = self._for_every_head(rearrange(self.v(x), "b t (h d) -> b h t d", d=self.d_head))
        return rearrange(v, "b h t d -> b t h d")

    def _project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``[batch head position d_head]`` for each of q, k and v; one product in training."""
        parts = (self.q, self.k, self.v)
        if not self.training:
            q, k, v = (rearrange(p(x), "b t (h d) -> b h t d", d=self.d_head) for p in parts)
            return q, k, v
        weight = torch.cat([part.weight for part in parts])
        bias = torch.cat([part.bias for part in parts]) if self.qkv_bias else None
        sizes = [part.out_features for part in parts]
        q, k, v = (
            rearrange(part, "b t (h d) -> b h t d", d=self.d_head).contiguous()
            for part in F.linear(x, weight, bias).split(sizes, dim=-1)
        )
        return q, k, v

    def _rotated(self, x: Tensor, past: int) -> Tensor:
        """Queries or keys turned by their positions, of which ``past`` were read before.

        A score then depends on how far apart a query and a key are, and on nothing else of their
        positions; so stories that are packed into one sequence need no numbers of their own.
        """
        end = past + x.shape[2]
        # A longer context may be far more than is ever read.
        reach = self.n_ctx if self.n_ctx <= ALL_AT_ONCE else 1 << (end - 1).bit_length()
        tables = rotations(reach, self.rotary_dim, self.rotary_base, x.device, x.dtype)
        cos, sin = (table[past:end] for table in tables)
        turned, rest = x[..., : self.rotary_dim], x[..., self.rotary_dim :]
        a, b = turned.chunk(2, dim=-1)  # pair i is dimensions i and i + rotary_dim / 2
        return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), dim=-1)

    def _for_every_head(self, x: Tensor) -> Tensor:
        """Keys or values, one for each head of queries: neighbouring heads share theirs."""
        return x.repeat_interleave(self.sharing, dim=1) if self.sharing > 1 else x

    def _fused(self, q: Tensor, k: Tensor, v: Tensor, segment_mask: Tensor | None) -> Tensor:
        n_query, n_key = q.shape[2], k.shape[2]
        dropout = self.dropout if self.training else 0.0
        if n_query == 1 and segment_mask is None:  # the newest position sees all that is in reach
            seen = n_key if self.window is None else min(n_key, self.window)
            k, v = k[:, :, n_key - seen :], v[:, :, n_key - seen :]
            return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, scale=self.scale)
        windowed = self.window is not None and self.window < n_key
        if n_query == n_key and not windowed and segment_mask is None:
            return F.scaled_dot_product_attention(
                q, k, v, is_causal=True, dropout_p=dropout, scale=self.scale
            )
        mask = allowed_keys(n_query, n_key, self.window, q.device)
        mask = mask if segment_mask is None else mask & segment_mask
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, scale=self.scale
        )

    def _explicit(self, q: Tensor, k: Tensor, v: Tensor, segment_mask: Tensor | None) -> Tensor:
        """The same numbers as the fused kernel, through taps of the scores and the pattern."""
        scores = einsum(q * self.scale, k, "b h q d, b h k d -> b h q k")
        seen = torch.is_grad_enabled() or self.hook_attn_scores.listened_to
        plain = scores.dtype == torch.float32 and scores.device.type == "cpu"
        if plain and not seen and segment_mask is None and scores.is_contiguous():
            from tinyinterp.network.causal_softmax import causal_softmax_  # brings numba

            pattern = causal_softmax_(scores, self.window)
        else:
            allowed = allowed_keys(q.shape[2], k.shape[2], self.window, q.device)
            allowed = allowed if segment_mask is None else allowed & segment_mask
            scores = self.hook_attn_scores(scores.masked_fill_(~allowed, -torch.inf))
            pattern = torch.softmax(scores, dim=-1, out=None if seen else scores)
        pattern = self.hook_pattern(pattern)
        pattern = F.dropout(pattern, self.dropout, self.training)
        return einsum(pattern, v, "b h q k, b h k d -> b h q d")

"""The fields of a decoder's ``config.json`` that are read, as ``transformers`` writes them.

Any of them may be absent, and nearly all may be null; which belong to a family, and what is taken
for one that is absent, says :mod:`tinyinterp.checkpoint.hugging_face`.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from tinyinterp.io.described import Count, Within

Size = Count | None
Flag = bool | None
Base = Annotated[float, Within(0, 1e30)] | None
Share = Annotated[float, Within(0, 1)] | None
Layers = Annotated[int, Within(0, 4096)]


class RopeJson(TypedDict, total=False):
    """How positions rotate, where a file says it apart."""

    rope_type: str | None
    type: str | None
    rope_theta: Base
    partial_rotary_factor: Share


class ConfigJson(TypedDict, total=False):
    """The whole file; its other fields stay as they are."""

    model_type: str
    vocab_size: Size
    max_position_embeddings: Size
    n_positions: Size
    n_ctx: Size
    hidden_size: Size
    n_embd: Size
    num_hidden_layers: Size
    num_layers: Size
    n_layer: Size
    num_attention_heads: Size
    num_heads: Size
    n_head: Size
    num_key_value_heads: Size
    head_dim: Size
    intermediate_size: Size
    n_inner: Size
    window_size: Size
    activation_function: str | None
    hidden_act: str | None
    layer_norm_epsilon: Share
    layer_norm_eps: Share
    rms_norm_eps: Share
    tie_word_embeddings: Flag
    attention_types: list[tuple[list[str], Layers]] | None
    attention_layers: list[str] | None
    add_cross_attention: Flag
    scale_attn_weights: Flag
    scale_attn_by_inverse_layer_idx: Flag
    attention_bias: Flag
    mlp_bias: Flag
    use_parallel_residual: Flag
    rope_scaling: RopeJson | None
    rope_parameters: RopeJson | None
    rope_theta: Base
    rotary_emb_base: Base
    rotary_pct: Share

"""The shape of a decoder, and the facts in which the families differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from torch import Tensor
from torch.nn import functional as F

from tinyinterp.errors import ConfigError

Architecture = Literal["gpt_neo", "gpt2", "gpt_neox", "llama"]
AttentionKind = Literal["global", "local"]
Norm = Literal["layer", "rms"]
Activation = Literal["gelu_new", "gelu", "relu", "silu"]

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),  # the tanh form: OpenAI's, and GPT-Neo's
    "gelu": F.gelu,
    "relu": F.relu,
    "silu": F.silu,
}
BY_FAMILY: Any = None  # of a field: what the family has
ROTATED: dict[Architecture, float] = {"gpt_neox": 0.25, "llama": 1.0}  # the share of each head
FAMILIES: dict[Architecture, dict[str, Any]] = {
    "gpt_neo": {
        "norm": "layer", "layer_norm_eps": 1e-5, "parallel": False, "gated": False,
        "activation": "gelu_new", "qkv_bias": False, "out_bias": True, "mlp_bias": True,
        "scale_scores": False, "tied": True,
    },
    "gpt2": {
        "norm": "layer", "layer_norm_eps": 1e-5, "parallel": False, "gated": False,
        "activation": "gelu_new", "qkv_bias": True, "out_bias": True, "mlp_bias": True,
        "scale_scores": True, "tied": True,
    },
    "gpt_neox": {
        "norm": "layer", "layer_norm_eps": 1e-5, "parallel": True, "gated": False,
        "activation": "gelu", "qkv_bias": True, "out_bias": True, "mlp_bias": True,
        "scale_scores": True, "tied": False,
    },
    "llama": {
        "norm": "rms", "layer_norm_eps": 1e-6, "parallel": False, "gated": True,
        "activation": "silu", "qkv_bias": False, "out_bias": False, "mlp_bias": False,
        "scale_scores": True, "tied": False,
    },
}  # fmt: skip
ANY_FAMILY = {"d_mlp", "layer_norm_eps", "activation", "tied"}
FREE: dict[Architecture, set[str]] = {  # what may be otherwise within a family
    "gpt_neo": ANY_FAMILY,
    "gpt2": ANY_FAMILY | {"scale_scores", "scale_by_layer"},
    "gpt_neox": ANY_FAMILY | {"parallel", "qkv_bias", "out_bias", "rotary_dim", "rotary_base"},
    "llama": ANY_FAMILY
    | {"d_head", "n_key_value_heads", "rotary_base", "qkv_bias", "out_bias", "mlp_bias"},
}


LARGEST = {  # far beyond any model that is read here: a damaged file asks for no more
    "n_vocab": 1 << 24, "n_ctx": 1 << 20, "d_model": 1 << 16, "n_layers": 1 << 10,
    "n_heads": 1 << 12, "d_mlp": 1 << 20, "d_head": 1 << 16, "n_key_value_heads": 1 << 12,
}  # fmt: skip
UNSAID = {"d_mlp", "d_head", "n_key_value_heads"}  # sizes that follow from others where they are 0


@dataclass(frozen=True)
class DecoderConfig:
    """The shape of a decoder; two with the same shape are equal whatever their dropout.

    The fields from ``activation`` on are facts in which the families differ. What is not given is
    the family's, see :data:`FAMILIES`; what a family cannot have is refused.

    Args:
        n_vocab: tokens.
        n_ctx: positions of a sequence, at most.
        d_model: width of the residual stream.
        n_layers: blocks.
        n_heads: attention heads of each block.
        d_mlp: neurons of each block; 0: four times ``d_model``.
        architecture: the family.
        attention: each layer's kind, first layer first; empty: a GPT-Neo alternates, starting with
            global, and the others are global throughout. A layer whose window holds the whole
            context is global.
        window: keys that a query of a local layer sees, its own included.
        activation: of the neurons, or of their gates.
        tied: whether the output head is the token embedding.
        layer_norm_eps: added to the variance, or the mean square, in each norm.
        dropout: of embeddings and block outputs, in training.
        attention_dropout: of patterns, in training; slow on a CPU.
        d_head: width of one head; 0: ``d_model / n_heads``.
        n_key_value_heads: heads of keys and values, each shared by as many neighbouring heads; 0:
            one for every head.
        rotary_dim: the first dimensions of each query and key, which the position rotates; 0: there
            is none, and positions have learned embeddings.
        rotary_base: the wavelengths of rotary positions rise to it, nearly.
        norm: ``layer`` takes the mean out and has a bias; ``rms`` does neither.
        parallel: whether attention and MLP of a block read the same stream.
        gated: whether a neuron is the product of its activated gate and a linear input.
        qkv_bias: whether queries, keys and values have a bias.
        out_bias: whether the output of attention has one.
        mlp_bias: whether the matrices of the MLP have one.
        scale_scores: whether scores are divided by the square root of ``d_head``.
        scale_by_layer: whether scores are divided by the number of the layer, counted from 1.

    Raises:
        ConfigError: there is no decoder of this shape.
    """

    n_vocab: int
    n_ctx: int
    d_model: int
    n_layers: int
    n_heads: int
    d_mlp: int = 0
    architecture: Architecture = "gpt_neo"
    attention: tuple[AttentionKind, ...] = ()
    window: int = 256
    activation: Activation = BY_FAMILY
    tied: bool = BY_FAMILY
    layer_norm_eps: float = BY_FAMILY
    dropout: float = field(default=0.0, compare=False)
    attention_dropout: float = field(default=0.0, compare=False)
    d_head: int = 0
    n_key_value_heads: int = 0
    rotary_dim: int = BY_FAMILY
    rotary_base: float = 10_000.0
    norm: Norm = BY_FAMILY
    parallel: bool = BY_FAMILY
    gated: bool = BY_FAMILY
    qkv_bias: bool = BY_FAMILY
    out_bias: bool = BY_FAMILY
    mlp_bias: bool = BY_FAMILY
    scale_scores: bool = BY_FAMILY
    scale_by_layer: bool = False

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_attention()
        self._fill_in()
        self._check_facts()

    def _fill_in(self) -> None:
        """Put the family's facts where none were given; refuse what it cannot have."""
        facts = {**FAMILIES[self.architecture], **self._sizes(), "scale_by_layer": False}
        for name, of_family in facts.items():
            given = getattr(self, name)
            if given is BY_FAMILY or (given == 0 and name in UNSAID):
                object.__setattr__(self, name, of_family)
            elif given != of_family and name not in FREE[self.architecture]:
                raise ConfigError(
                    f"a {self.architecture} always has {name} {of_family}, not {given}"
                )
        pair: tuple[AttentionKind, ...] = ("global", "local")
        mixed = self.architecture == "gpt_neo"
        attention = self.attention or tuple(pair[mixed and n % 2] for n in range(self.n_layers))
        if self.window >= self.n_ctx:
            attention = pair[:1] * len(attention)
        object.__setattr__(self, "attention", attention)

    def _sizes(self) -> dict[str, Any]:
        """The sizes that follow from others."""
        d_head = self.d_head or self.d_model // self.n_heads
        rotary_dim = int(d_head * ROTATED.get(self.architecture, 0))
        return {
            "d_mlp": 4 * self.d_model,
            "d_head": self.d_model // self.n_heads,
            "n_key_value_heads": self.n_heads,
            "rotary_dim": rotary_dim + rotary_dim % 2,  # dimensions are rotated in pairs
            "rotary_base": 10_000.0,
        }

    def _check_sizes(self) -> None:
        for name in ("n_vocab", "n_ctx", "d_model", "n_layers", "n_heads", "window"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("d_mlp", "d_head", "n_key_value_heads"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name, largest in LARGEST.items():
            if getattr(self, name) > largest:
                raise ConfigError(f"{name} is {getattr(self, name)}; it may be at most {largest}")
        if self.d_model % self.n_heads and not self.d_head:
            raise ConfigError(
                f"d_model {self.d_model} does not divide into {self.n_heads} heads; "
                "choose n_heads so that d_model / n_heads is whole"
            )
        for name in ("dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; expected 0 <= {name} < 1")
        _check_word("architecture", self.architecture, Architecture)

    def _check_attention(self) -> None:
        if self.attention and len(self.attention) != self.n_layers:
            raise ConfigError(
                f"attention names {len(self.attention)} layers, the model has {self.n_layers}"
            )
        if unknown := set(self.attention) - set(get_args(AttentionKind)):
            raise ConfigError(f"attention names {sorted(unknown)}; a layer is global or local")
        if self.architecture != "gpt_neo" and "local" in self.attention:
            raise ConfigError(
                f"a {self.architecture} has no local layers; use architecture 'gpt_neo'"
            )

    def _check_facts(self) -> None:
        _check_word("activation", self.activation, Activation)
        if self.n_heads % self.n_key_value_heads:
            raise ConfigError(
                f"{self.n_heads} heads cannot share {self.n_key_value_heads} heads of keys and "
                "values evenly; choose n_key_value_heads so that n_heads / n_key_value_heads is "
                "whole"
            )
        rotary = self.architecture in ROTATED
        if rotary and not (0 < self.rotary_dim <= self.d_head and self.rotary_dim % 2 == 0):
            raise ConfigError(
                f"rotary_dim is {self.rotary_dim}; positions rotate pairs of the {self.d_head} "
                "dimensions of a head: choose an even number of them"
            )
        if rotary and self.rotary_base <= 0:
            raise ConfigError(f"rotary_base is {self.rotary_base}; it must be above 0")

    @property
    def learned_positions(self) -> bool:
        """Whether an embedding of the position is added to that of the token."""
        return not self.rotary_dim

    def window_of(self, layer: int) -> int | None:
        """Keys that a query of ``layer`` sees, its own included; None: all before it."""
        return self.window if self.attention[layer] == "local" else None

    def scale_of(self, layer: int) -> float:
        """What the scores of ``layer`` are multiplied by."""
        scale = self.d_head**-0.5 if self.scale_scores else 1.0
        return scale / (layer + 1) if self.scale_by_layer else scale


def _check_word(name: str, word: str, known: Any) -> None:
    if word not in get_args(known):
        names = ", ".join(get_args(known))
        raise ConfigError(f"{name} {word!r} is not known; use one of {names}")

"""The shape of a decoder, and the three facts in which GPT-Neo and GPT-2 differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from torch import Tensor
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
    """The shape of a decoder; two with the same shape are equal whatever their dropout.

    Args:
        n_vocab: tokens.
        n_ctx: positions of a sequence, at most.
        d_model: width of the residual stream.
        n_layers: blocks.
        n_heads: attention heads of each block.
        d_mlp: neurons of each block; 0: four times ``d_model``.
        architecture: the family.
        attention: each layer's kind, first layer first; empty: a GPT-Neo alternates, starting with
            global, and a GPT-2 is global throughout.
        window: keys that a query of a local layer sees, its own included.
        activation: of the neurons.
        tied: whether the output head is the token embedding.
        layer_norm_eps: added to the variance in each layer norm.
        dropout: of embeddings and block outputs, in training.
        attention_dropout: of patterns, in training; slow on a CPU.

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
    activation: Activation = "gelu_new"
    tied: bool = True
    layer_norm_eps: float = 1e-5
    dropout: float = field(default=0.0, compare=False)
    attention_dropout: float = field(default=0.0, compare=False)

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
                names = ", ".join(get_args(known))
                raise ConfigError(
                    f"{name} {getattr(self, name)!r} is not known; use one of {names}"
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
        """Keys that a query of ``layer`` sees, its own included; None: all before it."""
        return self.window if self.attention[layer] == "local" else None

"""How the next token is chosen from what a model predicts."""

from __future__ import annotations

from dataclasses import dataclass

from tinyinterp.errors import ConfigError

FLUENT_TEMPERATURE = 0.7  # at these two small models write whole stories that hold together,
FLUENT_TOP_P = 0.6  # while their own distribution (1 and 1) drifts into nonsense


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen: by default, drawn from the model's own distribution.

    Args:
        temperature: what logits are divided by; 0 is greedy, and then nothing else matters.
        top_k: draw from the k most likely tokens; None: from all.
        top_p: draw from the most likely tokens that together reach this probability; None: from
            all.
        seed: of the draws.
        max_tokens: to be written, at most; None: up to the end of the context.
        stop_at_end: whether the end-of-text token ends a sample.

    Raises:
        ConfigError: a setting is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    max_tokens: int | None = None
    stop_at_end: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ConfigError(
                f"temperature is {self.temperature}; expected 0 (greedy) or a positive number"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k is {self.top_k}; expected at least 1, or leave it out")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; expected 0 < top_p <= 1, or leave it out")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; expected 0 or more")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ConfigError(f"max_tokens is {self.max_tokens}; expected at least 1")

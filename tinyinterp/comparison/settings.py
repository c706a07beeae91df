"""What a comparison of checkpoints measures."""

from __future__ import annotations

from dataclasses import dataclass

from tinyinterp.errors import SelectionError

PARTS = ("loss", "prompts", "rouge", "heads", "neurons", "account")
DEFAULT_PARTS = ("loss", "prompts", "heads", "neurons")  # the others take minutes


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """What to measure, and how much to read.

    Args:
        parts: of :data:`PARTS`.
        seed: of all random draws.
        head_tokens: of the text, read for the census of heads; None: all.
        head_null_tokens: of these, on which heads are compared with those of random models.
        neuron_tokens: of the text, read for the census of neurons; None: all.
        account_tokens: of the text, read for the account; None: all.
        stories: that are completed for ROUGE.

    Raises:
        SelectionError: there is no such part, or none was given.
    """

    parts: tuple[str, ...] = DEFAULT_PARTS
    seed: int = 0
    head_tokens: int | None = 8_000
    head_null_tokens: int = 1_500
    neuron_tokens: int | None = 20_000
    account_tokens: int | None = None
    stories: int = 100

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise SelectionError(
                f"there is no part {unknown[0] if unknown else ''!r}; choose of {', '.join(PARTS)}"
            )

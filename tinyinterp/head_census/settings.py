"""What a census of heads is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tinyinterp.errors import SelectionError

Rule = Literal["evidence", "distance-correlation", "report"]
NULL_TOKENS = 4_000


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """What is asked for.

    Args:
        rule: how heads are judged.
        seed: of the bootstrap, the samples and the null models.
        causal: whether the causal check is made; it is the slowest part.
        null_tokens: tokens of the text, from its beginning, on which heads are compared with those
            of the null models.

    Raises:
        SelectionError: there is no such rule, or a number is out of its range.
    """

    rule: Rule = "evidence"
    seed: int = 0
    causal: bool = True
    null_tokens: int = NULL_TOKENS

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            known = ", ".join(get_args(Rule))
            raise SelectionError(f"rule is {self.rule!r}; choose one of {known}")
        for name, least in (("seed", 0), ("null_tokens", 1)):
            if getattr(self, name) < least:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}"
                )

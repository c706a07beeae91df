"""What is to be asked, what the cache knows already, and what the rest may cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tinyinterp.evaluation.judge.cache import Answer, AnswerCache, answer_key
from tinyinterp.evaluation.judge.prompts import JudgePrompt, criteria_of
from tinyinterp.evaluation.judge.server import JudgeServer
from tinyinterp.evaluation.openings import Completion

CHARACTERS_A_TOKEN = 4  # of English, about
TOKENS_OUT = 40  # of an answer, about


@dataclass(frozen=True)
class Request:
    """One question to the judge."""

    completion: Completion
    repeat: int
    criteria: tuple[str, ...]
    message: str
    key: str  # in the cache


@dataclass(frozen=True)
class Plan:
    """All questions, and the answers that are known before any is asked."""

    requests: list[Request]
    known: dict[str, Answer]

    @property
    def unanswered(self) -> list[Request]:
        """What the server has to be asked; the same question of two models only once."""
        first = {each.key: each for each in reversed(self.requests)}
        return [each for each in self.requests if first[each.key] is each and not self._has(each)]

    def _has(self, request: Request) -> bool:
        return request.key in self.known

    @property
    def tokens_in(self) -> int:
        """Estimate for what is unanswered, four characters a token."""
        return sum(math.ceil(len(each.message) / CHARACTERS_A_TOKEN) for each in self.unanswered)

    @property
    def tokens_out(self) -> int:
        """Estimate for what is unanswered; a model that reasons first writes far more."""
        return TOKENS_OUT * len(self.unanswered)

    def cost(self, price_in: float, price_out: float) -> float:
        """Estimate for what is unanswered, from prices per million tokens."""
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


def plan_requests(
    completions: Sequence[Completion],
    prompt: JudgePrompt,
    server: JudgeServer,
    cache: AnswerCache,
    repeats: int = 1,
) -> Plan:
    """The questions for some completions, each asked ``repeats`` times; nothing is sent."""
    requests = []
    for completion in completions:
        message, criteria = prompt.fill(completion), criteria_of(completion)
        for repeat in range(repeats):
            key = answer_key(server.model, server.base_url, server.temperature, message, repeat)
            requests.append(Request(completion, repeat, criteria, message, key))
    found = {each.key: cache.get(each.key, each.criteria) for each in requests}
    return Plan(requests, {key: answer for key, answer in found.items() if answer is not None})

"""Asks the judge everything in a plan, and puts its answers into tables."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tinyinterp.errors import TinyinterpError
from tinyinterp.evaluation.judge.answers import CRITERIA, FOLLOWING, AnswerError
from tinyinterp.evaluation.judge.cache import Answer, AnswerCache
from tinyinterp.evaluation.judge.plan import Plan, Request
from tinyinterp.evaluation.judge.server import Connection
from tinyinterp.evaluation.story_means import mean_over_stories
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table

ALL_CRITERIA = (*CRITERIA, FOLLOWING)


@dataclass(frozen=True)
class Judgement:
    """One answer of the judge; scores from 0 to 10, None where it was not asked or not valid."""

    model: str  # whose completion it is
    share: str
    story: int
    repeat: int
    grammar: float | None
    creativity: float | None
    consistency: float | None
    plot: float | None
    following: float | None
    cached: bool  # known before this run
    failed: str | None  # why there is no valid answer


@dataclass(frozen=True)
class _Failed:
    reason: str


def judge(
    plan: Plan,
    connection: Connection,
    cache: AnswerCache,
    *,
    parallel: int = 1,
    report: Progress | None = None,
) -> tuple[list[Judgement], int, int]:
    """Ask what is unanswered and keep each answer at once.

    Args:
        plan: what to ask.
        connection: to the server.
        cache: where answers are kept.
        parallel: requests at a time; no answer depends on it.
        report: advances by one for each answer.

    Returns:
        The judgements in the order of the plan, and the tokens in and out that the server counted,
        those of answers that could not be used included.

    Raises:
        JudgeError: the server cannot be asked; what was answered is in the cache.
    """
    answers: dict[str, Answer | _Failed] = dict(plan.known)
    stopped = threading.Event()

    def ask(number: int, request: Request) -> Answer | _Failed | None:
        if stopped.is_set():
            return None
        try:
            answer = connection.ask(request, number)
            cache.put(request.key, connection.server.model, request.repeat, answer)
        except AnswerError as error:
            return _Failed(str(error))
        except TinyinterpError:
            stopped.set()
            raise
        return answer

    before = connection.tokens_in, connection.tokens_out
    asked: dict[str, Future[Answer | _Failed | None]] = {}
    with ThreadPoolExecutor(parallel) as pool:
        try:
            for number, request in enumerate(plan.unanswered):
                asked[request.key] = pool.submit(ask, number, request)
            for key, future in asked.items():
                answer = future.result()
                if answer is None:
                    continue
                answers[key] = answer
                if report is not None:
                    report.advance()
        finally:
            stopped.set()  # what has not begun is not asked
    judgements = [
        _judgement(request, answers[request.key], cached=request.key in plan.known)
        for request in plan.requests
    ]
    return judgements, connection.tokens_in - before[0], connection.tokens_out - before[1]


def _judgement(request: Request, answer: Answer | _Failed, *, cached: bool) -> Judgement:
    scores = answer.scores if isinstance(answer, Answer) else {}
    return Judgement(
        model=request.completion.model,
        share=request.completion.share,
        story=request.completion.story,
        repeat=request.repeat,
        cached=cached,
        failed=answer.reason if isinstance(answer, _Failed) else None,
        **{name: scores.get(name) for name in ALL_CRITERIA},
    )


def judgement_tables(
    judgements: Sequence[Judgement], notes: dict[str, object], seed: int = 0
) -> tuple[Table, Table]:
    """Tables of the means (``judge``) and of every answer (``judge_stories``).

    Means are over stories and their repeats; the interval resamples stories.
    """
    failed = sum(each.failed is not None for each in judgements)
    if failed:
        warning = (
            f"{failed:,} of {len(judgements):,} questions had no valid answer and are left out of "
            "the means; judge_stories says why"
        )
        notes = notes | {"warnings": [warning]}
    means = list(_means(judgements, seed))
    return Table("judge", means, notes=notes), Table("judge_stories", judgements, notes=notes)


def _means(judgements: Sequence[Judgement], seed: int) -> Iterable[dict[str, object]]:
    groups = dict.fromkeys((each.model, each.share) for each in judgements)
    for model, share in groups:
        mine = [each for each in judgements if (each.model, each.share) == (model, share)]
        for name in ALL_CRITERIA:
            values = [(each.story, getattr(each, name)) for each in mine]
            known = [story for story, value in values if value is not None]
            if not known:
                continue
            mean = mean_over_stories(values, seed)
            yield {
                "model": model,
                "share": share,
                "measure": name,
                "value": mean.value,
                "low": mean.low,
                "high": mean.high,
                "stories": len(set(known)),
                "answers": len(known),
            }

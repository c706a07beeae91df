"""What completions have in common: with their originals, with each other, with a training set.

The TinyStories student report compares whole generations, prompt included; those columns keep its
reading. The columns of continuations leave the prompt out, which the model did not write. The
original stories stand beside the models, as what people's (here: GPT-4's) own endings give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

from tinyinterp.evaluation.diversity import distinct_in_all, distinct_share, repeated_share
from tinyinterp.evaluation.openings import ORIGINAL, Completion
from tinyinterp.evaluation.rouge import WordNumbers, compare, split
from tinyinterp.evaluation.rouge_index import Nearest, RougeIndex
from tinyinterp.evaluation.story_means import mean_over_stories
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.statistics import Interval

Train = Callable[[], Iterable[str]]  # opens the stories of a training set
DISTINCT = (1, 2, 3)  # words of the n-grams that are counted


@dataclass(frozen=True)
class CompletionRouge:
    """The numbers of one completion; ROUGE-2 throughout. NaN where there is nothing to compare."""

    model: str
    share: str  # of the story's words that the prompt has
    story: int  # its number in the text
    words: int  # of the continuation
    original_precision: float  # prompt and continuation against the story, as the report has it
    original_recall: float
    original_f: float
    continuation_precision: float  # the continuation against the rest of the story
    continuation_recall: float
    continuation_f: float
    chance_precision: float  # the continuation against the rest of another story instead
    self_f: float  # largest F with another completion of the model, prompts included
    self_story: int | None  # whose completion that is
    self_continuation_f: float  # the same without the prompts
    train_f: float  # largest F with a story of the training set, prompt included
    train_story: int | None  # its number in that set
    train_is_original: bool | None  # whether it is the story that the prompt is from
    train_continuation_f: float  # of the continuation alone
    repeated_4grams: float  # share of the continuation's 4-grams that occurred in it before
    distinct_1: float  # of the continuation: different words by all words
    distinct_2: float
    distinct_3: float


MEASURES = tuple(
    field.name
    for field in fields(CompletionRouge)
    if field.name
    not in ("model", "share", "story", "self_story", "train_story", "train_is_original")
)


def measure_rouge(
    completions: Sequence[Completion],
    *,
    train: Train | None = None,
    stem: bool = True,
    seed: int = 0,
    report: Progress | None = None,
) -> tuple[Table, Table]:
    """Tables of the means (``rouge``) and of every completion (``rouge_stories``).

    Args:
        completions: of one model or several, for one share or several.
        train: opens the stories of a training set; None: no column of it is known.
        stem: whether words are stemmed.
        seed: of the bootstrap over stories.
        report: advances by the bytes of the training set.
    """
    groups = _groups(completions)
    whole, parts = _nearest_in_training(groups, train, stem=stem, report=report)
    rows = [
        row
        for group, near, near_parts in zip(groups, whole, parts, strict=True)
        for row in _of_group(group, near, near_parts, stem=stem)
    ]
    notes = {"stemmed": stem, "measure": "ROUGE-2"}
    of_stories = Table("rouge_stories", rows, notes=notes)
    means = [mean for group in groups for mean in _means(group, rows, seed)]
    return Table("rouge", means, notes=notes), of_stories


def _groups(completions: Sequence[Completion]) -> list[list[Completion]]:
    """The completions of each model and share, and for each share the original stories."""
    found: dict[tuple[str, str], list[Completion]] = {}
    for each in completions:
        found.setdefault((each.share, each.model), []).append(each)
    groups, shares = [], dict.fromkeys(share for share, _ in found)
    for share in shares:
        mine = [group for (of, _), group in found.items() if of == share]
        groups += mine
        groups.append(
            [
                Completion(ORIGINAL, share, each.story, each.prompt, each.rest, each.rest)
                for each in mine[0]
            ]
        )
    return groups


def _nearest_in_training(
    groups: Sequence[Sequence[Completion]],
    train: Train | None,
    *,
    stem: bool,
    report: Progress | None,
) -> tuple[list[list[Nearest | None]], list[list[Nearest | None]]]:
    """The nearest story of each completion, with its prompt and without, in one pass."""
    every = [each for group in groups for each in group]
    if train is None:
        found: list[Nearest | None] = [None] * (2 * len(every))
    else:
        texts = [each.text for each in every] + [each.continuation for each in every]
        found = list(RougeIndex(texts, stem=stem).search(train(), report=report))
    sizes = [len(group) for group in groups]
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    whole, parts = found[: len(every)], found[len(every) :]
    slices = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    return [whole[each] for each in slices], [parts[each] for each in slices]


def _of_group(
    group: Sequence[Completion],
    near: Sequence[Nearest | None],
    near_parts: Sequence[Nearest | None],
    *,
    stem: bool,
) -> Iterable[CompletionRouge]:
    words = WordNumbers(stem=stem)
    rests = [words.bigrams(each.rest) for each in group]
    others = _nearest_others([each.text for each in group], stem=stem)
    other_parts = _nearest_others([each.continuation for each in group], stem=stem)
    for at, each in enumerate(group):
        continuation = words.bigrams(each.continuation)
        original = compare(words.bigrams(each.original), words.bigrams(each.text))
        rest = compare(rests[at], continuation)
        is_original = each.model == ORIGINAL
        alone = len(group) < 2
        chance = math.nan if alone else compare(rests[at - 1], continuation).precision
        there = near[at]
        part = near_parts[at]
        cut = split(each.continuation)
        yield CompletionRouge(
            model=each.model,
            share=each.share,
            story=each.story,
            words=len(cut),
            original_precision=math.nan if is_original else original.precision,
            original_recall=math.nan if is_original else original.recall,
            original_f=math.nan if is_original else original.f,
            continuation_precision=math.nan if is_original else rest.precision,
            continuation_recall=math.nan if is_original else rest.recall,
            continuation_f=math.nan if is_original else rest.f,
            chance_precision=chance,
            self_f=math.nan if alone else others[at].rouge.f,
            self_story=_story_of(group, others[at]),
            self_continuation_f=math.nan if alone else other_parts[at].rouge.f,
            train_f=math.nan if there is None else there.rouge.f,
            train_story=None if there is None else there.number,
            train_is_original=None if there is None else _same(there.story, each.original),
            train_continuation_f=math.nan if part is None else part.rouge.f,
            repeated_4grams=repeated_share(cut),
            **{f"distinct_{n}": distinct_share(cut, n) for n in DISTINCT},
        )


def _nearest_others(texts: list[str], *, stem: bool) -> list[Nearest]:
    return RougeIndex(texts, stem=stem).search(texts, own=range(len(texts)))


def _story_of(group: Sequence[Completion], nearest: Nearest) -> int | None:
    return None if nearest.number is None else group[nearest.number].story


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for white space."""
    return one.split() == other.split()


def _means(
    group: Sequence[Completion], rows: Sequence[CompletionRouge], seed: int
) -> Iterable[dict[str, object]]:
    model, share = group[0].model, group[0].share
    mine = [row for row in rows if (row.model, row.share) == (model, share)]
    for measure in MEASURES:
        values = [(row.story, float(getattr(row, measure))) for row in mine]
        yield _mean(model, share, measure, mean_over_stories(values, seed), values)
    texts = [split(each.continuation) for each in group]
    for n in DISTINCT:
        values = [
            (row.story, float(len(words) >= n)) for row, words in zip(mine, texts, strict=True)
        ]
        yield _mean(model, share, f"distinct_{n}_in_all", distinct_in_all(texts, n), values)


def _mean(
    model: str, share: str, measure: str, mean: Interval, values: Sequence[tuple[int, float]]
) -> dict[str, object]:
    known = {story for story, value in values if not math.isnan(value)}
    return {
        "model": model,
        "share": share,
        "measure": measure,
        "value": mean.value,
        "low": mean.low,
        "high": mean.high,
        "stories": len(known),
    }

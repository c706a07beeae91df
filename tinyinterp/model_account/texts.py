"""Which stories an account is fitted on, and which it is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tinyinterp.errors import CorpusError
from tinyinterp.model_account.fit import Batches
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Side, group_by_length
from tinyinterp.text.sequences import Sequence as Story

LEAST_TEST = 8  # sequences of TEST; an account of fewer has no intervals worth the name


@dataclass(frozen=True)
class Texts:
    """What is read for what."""

    name: str
    fit_name: str
    fit: Batches
    test: list[MicroBatch]  # for patterns, activations and the whole model
    effects: list[MicroBatch]  # for single heads, and layers of neurons
    exact: list[MicroBatch]  # for single neurons
    whole_test: Batches  # for rules


def choose_texts(
    corpus: Corpus,
    fit_on: Corpus | None,
    test_tokens: int,
    effect_tokens: int,
    effect_positions: int | None = None,
) -> Texts:
    """FIT and TEST of ``corpus``; where ``fit_on`` is given, that and all of ``corpus``.

    Args:
        corpus: is scored on.
        fit_on: is fitted on; None: the FIT half of ``corpus``.
        test_tokens: of TEST.
        effect_tokens: of these, for effects of single parts.
        effect_positions: the most that is read of each of these sequences; None: all.

    Raises:
        CorpusError: a text has too few stories on one side.
    """
    side = Side.TEST if fit_on is None else None
    test = _test_stories(corpus, test_tokens, side)
    end = corpus.tokenizer.padding
    effects = [_beginning(each, effect_positions) for each in evenly(test, effect_tokens)]
    return Texts(
        name=corpus.name,
        fit_name=(fit_on or corpus).name,
        fit=_fit_batches(corpus, fit_on, test),
        test=list(group_by_length(test, end)),
        effects=list(group_by_length(effects, end)),
        exact=list(group_by_length(evenly(test, effect_tokens // 4), end)),
        whole_test=lambda: corpus.micro_batches(side),
    )


def _test_stories(corpus: Corpus, most: int, side: Side | None) -> list[Story]:
    """The first sequences of a side, up to a number of tokens.

    Raises:
        CorpusError: there are too few.
    """
    found: list[Story] = []
    total = 0
    for sequence in corpus.sequences(side):
        found.append(sequence)
        total += len(sequence.tokens)
        if total >= most:
            break
    if len(found) < LEAST_TEST:
        raise CorpusError(
            f"{corpus.name!r} has {len(found)} sequences to score an account on; expected at least "
            f"{LEAST_TEST}: give more stories"
        )
    return found


def _fit_batches(corpus: Corpus, fit_on: Corpus | None, test: Sequence[Story]) -> Batches:
    """Opens the micro-batches of FIT; where that is a text by itself, without the stories of TEST.

    Raises:
        CorpusError: there is no story to fit on.
    """
    if fit_on is None:
        opened: Batches = lambda: corpus.micro_batches(Side.FIT)  # noqa: E731
    else:
        known = {story.story for story in test}
        apart = replace(
            fit_on, stories=lambda: (each for each in fit_on.stories() if each not in known)
        )
        opened = apart.micro_batches
    if not list(islice(opened(), 1)):
        name = (fit_on or corpus).name
        raise CorpusError(f"{name!r} has no story to fit an account on: give more stories")
    return opened


def _beginning(story: Story, positions: int | None) -> Story:
    return replace(story, tokens=story.tokens[:positions], offsets=story.offsets[:positions])


def evenly(stories: Sequence[Story], tokens: int) -> list[Story]:
    """Some of the stories, evenly spaced by length, of so many tokens in all or a little more."""
    by_length = sorted(stories, key=lambda story: len(story.tokens))
    total = sum(len(story.tokens) for story in stories)
    wanted = max(LEAST_TEST, round(len(stories) * min(1, tokens / total)))
    at = np.linspace(0, len(by_length) - 1, min(wanted, len(by_length)))
    return [by_length[i] for i in sorted({round(each) for each in at})]

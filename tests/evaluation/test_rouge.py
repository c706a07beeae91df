from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import STORIES
from rouge_score.rouge_scorer import RougeScorer

from tinyinterp.evaluation import rouge_index
from tinyinterp.evaluation.rouge import Rouge, WordNumbers, compare, rouge2
from tinyinterp.evaluation.rouge_index import RougeIndex

WORDS = "the a dog dogs ran running happily happy generously ties dying sky 2 Tom's naïve no No-one"
SENTENCES = st.lists(st.sampled_from(WORDS.split()), max_size=23).map(" ".join)
ODD = st.text(alphabet="abcdegilnosy' .-0\n\tÀÉİK“”🐢", max_size=47)
SCORERS = {stem: RougeScorer(["rouge2"], use_stemmer=stem) for stem in (True, False)}
SAMPLE = [
    *STORIES,
    "Once upon a time there was a big dog named Tim. He liked to run, and he liked to run fast.",
    "Lily's mother said, “The balls are rolling happily!” The ball rolled, rolled and rolled.",
    "A",
    "",
]


def theirs(target: str, prediction: str, *, stem: bool) -> Rouge:
    """What the package ``rouge-score`` gives."""
    return Rouge(*SCORERS[stem].score(target, prediction)["rouge2"])


@pytest.mark.parametrize("stem", [True, False])
def test_a_fixed_sample_has_the_numbers_of_rouge_score(stem):
    words = WordNumbers(stem=stem)
    counted = [words.bigrams(text) for text in SAMPLE]
    found = {
        (a, b): compare(counted[a], counted[b])
        for a in range(len(SAMPLE))
        for b in range(len(SAMPLE))
    }
    assert found == {(a, b): theirs(SAMPLE[a], SAMPLE[b], stem=stem) for a, b in found}
    assert found[0, 3].f > 0.2  # there is something to compare
    assert found[0, 0] == Rouge(1.0, 1.0, 1.0)


def test_stemming_makes_a_difference():
    target, prediction = SAMPLE[4], SAMPLE[4].replace("rolled", "rolling")
    stemmed, plain = (rouge2(target, prediction, stem=stem) for stem in (True, False))
    assert plain.f < stemmed.f == 1


@given(st.one_of(SENTENCES, ODD), st.one_of(SENTENCES, ODD), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_two_texts_have_the_numbers_of_rouge_score(target: str, prediction: str, stem):
    assert rouge2(target, prediction, stem=stem) == theirs(target, prediction, stem=stem)


@given(
    st.lists(SENTENCES, min_size=1, max_size=5),
    st.lists(SENTENCES, max_size=11),
    st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_the_index_finds_what_comparing_every_pair_finds(
    texts: list[str], stories: list[str], stem
):
    found = RougeIndex(texts, stem=stem).search(stories)
    words = WordNumbers(stem=stem)
    for text, nearest in zip(texts, found, strict=True):
        scores = [compare(words.bigrams(story), words.bigrams(text)) for story in stories]
        best = max(scores, key=lambda score: score.f, default=Rouge(0, 0, 0))
        assert nearest.rouge.f == pytest.approx(best.f, rel=1e-12)
        if best.f == 0:
            assert (nearest.number, nearest.story) == (None, "")
            continue
        equal = [n for n, score in enumerate(scores) if score.f == pytest.approx(best.f, rel=1e-12)]
        assert nearest.number == equal[0]
        assert nearest.story == stories[equal[0]]
        assert nearest.rouge == scores[equal[0]]


def test_a_text_is_not_compared_with_itself():
    found = RougeIndex(SAMPLE).search(SAMPLE, own=range(len(SAMPLE)))
    for number, nearest in enumerate(found):
        others = [rouge2(SAMPLE[at], SAMPLE[number]) for at in range(len(SAMPLE)) if at != number]
        assert nearest.rouge.f == max(each.f for each in others)
        assert nearest.number != number
    assert found[0].number == 3


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 5), (1024, 1 << 20)])
def test_batches_and_the_words_that_are_kept_change_nothing(
    at_once: int, most: int, monkeypatch: pytest.MonkeyPatch
):
    whole = RougeIndex(SAMPLE[3:5]).search(SAMPLE[:3])
    monkeypatch.setattr(rouge_index, "STORIES_AT_ONCE", at_once)
    monkeypatch.setattr(rouge_index, "MOST_WORDS", most)
    done: list[float] = []

    class Report:
        def advance(self, steps: float = 1) -> None:
            done.append(steps)

    assert RougeIndex(SAMPLE[3:5]).search(iter(SAMPLE[:3]), report=Report()) == whole
    assert sum(done) == sum(len(story.encode()) for story in SAMPLE[:3])
    assert len(done) == -(-3 // at_once)


def test_stories_are_read_as_they_are_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rouge_index, "STORIES_AT_ONCE", 2)
    asked, most = 0, 0

    def stories():
        nonlocal asked
        for _ in range(11):
            asked += 1
            yield SAMPLE[0]

    class Report:
        done = 0

        def advance(self, steps: float = 1) -> None:
            nonlocal most
            self.done += steps / len(SAMPLE[0].encode())
            most = max(most, asked - self.done)

    RougeIndex(SAMPLE).search(stories(), report=Report())
    assert most <= 2

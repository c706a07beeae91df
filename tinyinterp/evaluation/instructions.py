"""How far stories follow their instructions, as far as that can be checked without a judge.

    Words     share of the required words that the story uses, inflected or not
    Dialogue  whether somebody speaks between quotation marks
    Sentence  whether the story contains the random sentence, word for word
    Summary   share of the summary's content words that the story uses: a proxy for telling what the
              summary says, and no more than that

The other features of TinyStoriesInstruct (a bad ending, a twist, ...) cannot be checked so. Each
measure stands beside its null: the same instructions against the stories that the model wrote to
other ones; and beside the stories of the data, which were written to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation.completions import complete
from tinyinterp.evaluation.inflections import lemmas
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.model import AnyModel
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P, Sampling
from tinyinterp.statistics import block_bootstrap
from tinyinterp.tagging.reader import TagReader
from tinyinterp.tagging.words import split_words
from tinyinterp.text.instruct import Instruction, parse, prompt

MEASURES = ("words", "dialogue", "sentence", "summary_overlap")
CHECKED = "Dialogue"  # the feature that can be checked
SPOKEN = re.compile(r"[“\"][^“”\"]*[^\W\d_][^“”\"]*[”\"]")
CONTENT = ("NOUN", "PROPN", "VERB", "ADJ")
SAMPLING = Sampling(temperature=FLUENT_TEMPERATURE, top_p=FLUENT_TOP_P)


@dataclass(frozen=True)
class InstructionFollowing:
    """How far one or several models follow instructions.

    Args:
        measures: a row for each model and measure: ``value``, ``shuffled`` (against completions of
            other examples) and ``original`` (the stories of the data), with 95 % intervals.
        examples: a row for each model and example, with the completion.
    """

    measures: Table
    examples: Table


def read_examples(texts: Iterable[str], most: int | None = None) -> list[tuple[Instruction, str]]:
    """Instructions with their stories; those that ask for nothing are left out.

    Raises:
        CorpusError: an example cannot be read, or fewer than two ask for anything.
    """
    found: list[tuple[Instruction, str]] = []
    for text in texts:
        if most is not None and len(found) == most:
            break
        asked, story = parse(text)
        if asked != Instruction():
            found.append((asked, story))
    if len(found) < 2:
        raise CorpusError(
            f"{len(found)} examples ask for anything; give at least two in the format of "
            "TinyStoriesInstruct (Words:, Features:, Summary:, Random sentence:, Story:)"
        )
    return found


def check_story(
    asked: Instruction, story: str, tags: TagReader | None = None
) -> dict[str, float | None]:
    """Each measure of a story; None where the instruction does not ask for it."""
    said = [story[start:end].lower() for start, end in split_words(story)]
    used = frozenset(lemma for word in said for lemma in lemmas(word))
    words = [_is_used(word, said, used) for word in asked.words]
    wanted = [] if asked.summary is None else _content(asked.summary, tags or TagReader())
    return {
        "words": float(np.mean(words)) if words else None,
        "dialogue": float(bool(SPOKEN.search(story))) if CHECKED in asked.features else None,
        "sentence": None
        if asked.sentence is None
        else float(_line(asked.sentence) in _line(story)),
        "summary_overlap": (
            float(np.mean([not used.isdisjoint(lemmas(word)) for word in wanted]))
            if wanted
            else None
        ),
    }


def follow_instructions(
    model: AnyModel,
    examples: Sequence[tuple[Instruction, str]],
    sampling: Sampling = SAMPLING,
    *,
    name: str | None = None,
    report: Progress | None = None,
) -> InstructionFollowing:
    """Let a model write a story to each instruction, and check it.

    Args:
        model: an open decoder or compressor.
        examples: of :func:`read_examples`.
        sampling: of the stories; its seed also shuffles the examples for the null.
        name: of the model in the tables; None for its own.
        report: advances by one for each story.

    Raises:
        ConfigError: an instruction leaves no room in the context.
    """
    name, tags = model.name if name is None else name, TagReader()
    prompts = [prompt(asked) for asked, _ in examples]
    written = [texts[0] for texts in complete(model, prompts, sampling, report=report)]
    others = _others(len(examples), sampling.seed)
    rows, null, original = [], [], []
    for number, (asked, story) in enumerate(examples):
        found = check_story(asked, written[number], tags)
        null.append(check_story(asked, written[others[number]], tags))
        original.append(check_story(asked, story, tags))
        unchecked = [feature for feature in asked.features if feature != CHECKED]
        about = {"model": name, "example": number, "asked_words": ", ".join(asked.words)}
        completion = {"cannot_be_checked": ", ".join(unchecked), "completion": written[number]}
        rows.append(about | found | completion)
    measures = []
    for measure in MEASURES:
        given = [place for place, row in enumerate(rows) if row[measure] is not None]
        row = {"model": name, "measure": measure, "examples": len(given)}
        for column, source in (("value", rows), ("shuffled", null), ("original", original)):
            values = np.array([source[place][measure] for place in given], dtype=np.float64)
            low, high = _interval(values, sampling.seed)
            low_name, high_name = (
                ("low", "high") if column == "value" else (f"{column}_low", f"{column}_high")
            )
            row |= {
                column: values.mean() if len(values) else np.nan,
                low_name: low,
                high_name: high,
            }
        measures.append(row)
    notes = {
        "models": {name: model.fingerprint},
        "seed": sampling.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "cannot_be_checked": sorted(
            {f for asked, _ in examples for f in asked.features} - {CHECKED}
        ),
    }
    return InstructionFollowing(
        Table("instruct", measures, notes=notes), Table("instruct_examples", rows, notes=notes)
    )


def _is_used(word: str, said: list[str], used: frozenset[str]) -> bool:
    parts = [word[start:end].lower() for start, end in split_words(word)]
    if len(parts) == 1:
        return not used.isdisjoint(lemmas(parts[0]))
    starts = range(len(said) - len(parts) + 1)
    return any(
        all(
            not lemmas(found).isdisjoint(lemmas(part))
            for found, part in zip(said[start : start + len(parts)], parts, strict=True)
        )
        for start in starts
    )


def _content(summary: str, tags: TagReader) -> list[str]:
    """The nouns, names, verbs and adjectives of a summary, each once."""
    words = tags.words(summary)
    numbers = {tags.tag_set.index(tag) for tag in CONTENT}
    spans = zip(words.starts, words.ends, words.tags, strict=True)
    found = [summary[start:end].lower() for start, end, tag in spans if tag in numbers]
    return list(dict.fromkeys(found))


def _line(text: str) -> str:
    """Text in one line with straight quotation marks, so that only words and marks count."""
    for curly, straight in zip("“”‘’", "\"\"''", strict=True):
        text = text.replace(curly, straight)
    return " ".join(text.split())


def _others(n: int, seed: int) -> list[int]:
    """For each example another one, each once: the next in a random order."""
    order = np.random.default_rng((seed, 17)).permutation(n)
    found = np.empty(n, dtype=np.int64)
    found[order] = np.roll(order, 1)
    return found.tolist()


def _interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    if len(values) < 2:
        return np.nan, np.nan
    sums = np.stack([values, np.ones(len(values))], axis=1)
    low, high = block_bootstrap(lambda both: both[:, 0] / both[:, 1], sums, seed=seed)
    return float(low), float(high)

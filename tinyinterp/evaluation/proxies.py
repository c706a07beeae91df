"""What can be measured of completions without a judge: proxies, which are no scores of quality.

Each is related to something that a reader minds (a strange word, a hero whose name changes, speech
that never ends), and each can be had by a bad story, too: a story that repeats one sentence has few
bits per byte and no strange word.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from tinyinterp.evaluation.diversity import repeated_share
from tinyinterp.evaluation.loss import measure_loss
from tinyinterp.evaluation.openings import ORIGINAL, Completion
from tinyinterp.evaluation.rouge import split
from tinyinterp.evaluation.story_means import mean_over_stories
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.tagging import TagReader

STRAIGHT = '"'
OPENS, CLOSES = "“«", "”»"
WORD_AS_WRITTEN = re.compile(r"[^\W\d_]+")
LEAST_NAME = 2  # letters


@dataclass(frozen=True)
class CompletionProxies:
    """The proxies of one completion. NaN where there is nothing to measure."""

    model: str
    share: str  # of the story's words that the prompt has
    story: int  # its number in the text
    words: int  # of the continuation
    bits_per_byte: float  # of the continuation after its prompt, under the reference model
    unknown_words: float  # share of the continuation's words that no training story has
    names_kept: float  # share of the names in the continuation that the prompt has
    hero_named: float  # 1 if the most frequent name of the prompt is named again, else 0
    unclosed_quotations: float  # share of the continuation's quotations that never end
    repeated_4grams: float  # share of the continuation's 4-grams that occurred in it before


PROXIES = tuple(
    field.name
    for field in fields(CompletionProxies)
    if field.name not in ("model", "share", "story")
)


def measure_proxies(
    completions: Sequence[Completion],
    reference: Model,
    train: Iterable[str],
    *,
    seed: int = 0,
    report: Progress | None = None,
) -> tuple[Table, Table]:
    """Tables of the means (``proxies``) and of every completion (``proxies_stories``).

    The original stories stand beside the models.

    Args:
        completions: of one model or several, for one share or several.
        reference: whose bits per byte are measured, the same for all.
        train: stories that say which words exist; read until all words were found.
        seed: of the bootstrap over stories.
        report: advances by one for each completion.
    """
    every = [*completions, *_originals(completions)]
    unknown = unknown_words({word for each in every for word in split(each.continuation)}, train)
    reader = TagReader()
    rows = []
    for each in every:
        rows.append(_of_completion(each, reference, unknown, reader))
        if report is not None:
            report.advance()
    notes = {
        "reference": reference.name,
        "reference_fingerprint": reference.fingerprint,
        "warnings": ["these are proxies, not scores: docs/evaluation.md says what each misses"],
    }
    means = list(_means(rows, seed))
    return Table("proxies", means, notes=notes), Table("proxies_stories", rows, notes=notes)


def _originals(completions: Sequence[Completion]) -> list[Completion]:
    found = {}
    for each in completions:
        original = Completion(ORIGINAL, each.share, each.story, each.prompt, each.rest, each.rest)
        found.setdefault((each.share, each.story), original)
    return list(found.values())


def _of_completion(
    each: Completion, reference: Model, unknown: set[str], reader: TagReader
) -> CompletionProxies:
    words = split(each.continuation)
    kept, hero = names_kept(each.prompt, each.continuation, reader)
    return CompletionProxies(
        model=each.model,
        share=each.share,
        story=each.story,
        words=len(words),
        bits_per_byte=bits_per_byte(reference, each.prompt, each.continuation),
        unknown_words=sum(word in unknown for word in words) / len(words) if words else math.nan,
        names_kept=kept,
        hero_named=hero,
        unclosed_quotations=unclosed_quotations(each.continuation),
        repeated_4grams=repeated_share(words),
    )


def bits_per_byte(reference: Model, prompt: str, continuation: str) -> float:
    """Bits per byte of a continuation, its prompt being read and not scored; NaN if it is empty.

    A token that spans the end of the prompt is scored whole, with its bytes.
    """
    text, tokenizer = prompt + continuation, reference.tokenizer
    encoding = tokenizer.encode(text)
    first = next(
        (at for at, (_, end) in enumerate(encoding.offsets) if end > len(prompt)),
        len(encoding.ids),
    )
    scored = len(tokenizer.front) + first
    if first == len(encoding.ids) or not scored:  # without a start token the first is only read
        return math.nan
    begin = encoding.offsets[first - 1][1] if first else 0
    size = len(text[begin:].encode("utf-8"))
    tokens = [*tokenizer.front, *encoding.ids]
    return measure_loss(reference.network, [(tokens, size, scored)]).bits_per_byte


def unknown_words(words: set[str], train: Iterable[str]) -> set[str]:
    """Those of ``words``, in lower case, that no story has."""
    left = set(words)
    for story in train:
        left.difference_update(split(story))
        if not left:
            break
    return left


def names_in(text: str, reader: TagReader) -> list[tuple[int, str]]:
    """The names in a text, each with its first character's number, in order.

    They are the capitalised words that the default tagger calls a name; a word that the text also
    has in lower case is none.
    """
    words = reader.words(text)
    is_name = words.tags == reader.tag_set.index("PROPN")
    lower = {word for word in WORD_AS_WRITTEN.findall(text) if word.islower()}
    found = [
        (int(start), text[start:end])
        for start, end in zip(words.starts[is_name], words.ends[is_name], strict=True)
    ]
    return [
        (start, word)
        for start, word in found
        if word[0].isupper() and len(word) >= LEAST_NAME and word.lower() not in lower
    ]


def names_kept(prompt: str, continuation: str, reader: TagReader) -> tuple[float, float]:
    """Share of the names in a continuation that its prompt has, and whether its hero comes again.

    The hero has the most frequent name of the prompt; of equals, the first. Both are NaN where the
    prompt has no name, the first also where the continuation has none.
    """
    # Tagged together, since the continuation may begin inside a sentence.
    found = names_in(prompt + continuation, reader)
    before = [name for start, name in found if start < len(prompt)]
    after = [name for start, name in found if start >= len(prompt)]
    if not before:
        return math.nan, math.nan
    hero = Counter(before).most_common(1)[0][0]
    again = float(hero in WORD_AS_WRITTEN.findall(continuation))
    return sum(name in before for name in after) / len(after) if after else math.nan, again


def unclosed_quotations(text: str) -> float:
    r"""Share of a text's quotations that do not end in their paragraph; NaN without a quotation.

    Straight marks open and close in turn, curly ones by their form; a closing mark that closes
    nothing is left out.

    >>> unclosed_quotations('"Hi," he said. "Hello!\n“No.”')
    0.3333333333333333
    """
    opened = unclosed = 0
    for paragraph in text.split("\n"):
        straight = paragraph.count(STRAIGHT)
        opened += (straight + 1) // 2
        unclosed += straight % 2
        depth = 0
        for character in paragraph:
            if character in OPENS:
                opened += 1
                depth += 1
            elif character in CLOSES and depth:
                depth -= 1
        unclosed += depth
    return unclosed / opened if opened else math.nan


def _means(rows: Sequence[CompletionProxies], seed: int) -> Iterable[dict[str, object]]:
    for share, model in dict.fromkeys((row.share, row.model) for row in rows):
        mine = [row for row in rows if (row.share, row.model) == (share, model)]
        for name in PROXIES:
            values = [(row.story, float(getattr(row, name))) for row in mine]
            mean = mean_over_stories(values, seed)
            yield {
                "model": model,
                "share": share,
                "measure": name,
                "value": mean.value,
                "low": mean.low,
                "high": mean.high,
                "stories": sum(not math.isnan(value) for _, value in values),
            }

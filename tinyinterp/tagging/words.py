"""Splits a text into words and sentences, with the characters of each word."""

from __future__ import annotations

import re
from collections.abc import Sequence as Row

# Words as the Penn treebank splits them: "did|n't", "Tom|'s", "3.50", "Mr.", "...".
WORD = re.compile(
    r"""
    (?:Mr|Mrs|Ms|Dr|St|Jr)\.(?=\s)                    # an abbreviation keeps its full stop
    | \d+(?:[.,:]\d+)*(?:st|nd|rd|th|s)?(?![^\W_])    # 3, 3.50, 10:30, 2nd
    | [^\W_]+?(?=n['’]t(?![^\W_]))                    # did, before n't
    | n['’]t(?![^\W_])
    | ['’](?:s|m|d|re|ve|ll)(?![^\W_])                # 's
    | [^\W_](?:[^\W_]|[\u0300-\u036f])*               # a run of letters and digits,
      (?:['’](?!(?:s|m|d|re|ve|ll|t)(?![^\W_]))[^\W_]+)*  # with its apostrophe: o'clock
    | ([.!?*_=~-])\1+                                 # a run of one mark
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?]+")
QUOTATION_MARK = re.compile(r"[\"“”„«»]")


def split_words(text: str) -> list[tuple[int, int]]:
    """Characters ``[start, end)`` of every word, number and mark, in order, without spaces.

    >>> [text[a:b] for text in ["Tom didn't go."] for a, b in split_words(text)]
    ['Tom', 'did', "n't", 'go', '.']
    """
    return [match.span() for match in WORD.finditer(text)]


def group_sentences(text: str, spans: Row[tuple[int, int]]) -> list[list[str]]:
    """The words by sentence, since taggers expect a capital only at the start of a sentence.

    For the same reason an opening quotation mark ends a sentence: what follows starts a new one.
    """
    sentences: list[list[str]] = [[]]
    for index, (start, end) in enumerate(spans):
        gap = text[spans[index - 1][1] : start] if index else ""
        if sentences[-1] and _is_new_sentence(sentences[-1], gap):
            sentences.append([])
        sentences[-1].append(text[start:end])
    return sentences if sentences[0] else []


def _is_new_sentence(so_far: list[str], gap: str) -> bool:
    """Whether the word after ``so_far`` and the characters ``gap`` starts a sentence."""
    last = so_far[-1]
    if QUOTATION_MARK.fullmatch(last):
        ended = len(so_far) > 1 and SENTENCE_END.fullmatch(so_far[-2])
        return not gap or bool(ended) or "\n" in gap
    return bool(gap) and (bool(SENTENCE_END.fullmatch(last)) or "\n" in gap)

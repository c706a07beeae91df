"""The two sides of a neuron and its tag: how many of its hits have it, and how much of it it hits.

A neuron whose hits are all adjectives may still miss nearly all adjectives, so neither share is
said without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from tinyinterp.neuron_census.labels import PART_OF_SPEECH
from tinyinterp.neuron_census.targets import NEXT, PREVIOUS

PLURALS = {
    "NOUN": "nouns",
    "PROPN": "proper nouns",
    "VERB": "verbs",
    "ADJ": "adjectives",
    "ADV": "adverbs",
    "PRON": "pronouns",
    "DET": "determiners",
    "ADP": "adpositions",
    "CCONJ": "conjunctions",
    "PART": "particles",
    "NUM": "numerals",
    "INTJ": "interjections",
    "PUNCT": "punctuation marks",
    "SYM": "symbols",
}
BESIDE = {NEXT: "before", PREVIOUS: "after"}


def both_sides(row: Mapping[str, Any]) -> str:
    """What share of a neuron's hits has its best tag, and what share of that tag it fires on.

    Args:
        row: of the neurons table.

    Returns:
        A clause; empty for a neuron without a best tag or without hits.

    >>> adjectives = {"best_tag": "ADJ", "tag_precision": 0.96, "tag_recall": 0.041, "hits": 98}
    >>> both_sides(adjectives)
    '96% of its hits are adjectives, and it fires on 4.1% of adjectives'
    >>> both_sides(adjectives | {"best_tag": "VBD", "best_target": "next"})
    '96% of its hits come before VBD words, and it fires on 4.1% of the words before VBD words'
    """
    if not row["best_tag"] or not row["hits"]:
        return ""
    named = PLURALS.get(row["best_tag"], f"{row['best_tag']} words")
    where = BESIDE.get(row.get("best_target", ""))
    hits = f"come {where} {named}" if where else f"are {named}"
    tokens = f"the words {where} {named}" if where else named
    precision, recall = percent(row["tag_precision"]), percent(row["tag_recall"])
    return f"{precision} of its hits {hits}, and it fires on {recall} of {tokens}"


def median_sides(rows: Iterable[Mapping[str, Any]]) -> str:
    """Both sides of the part-of-speech neurons, as a sentence; empty without any.

    Args:
        rows: of the neurons table.
    """
    found = [row for row in rows if row["kind"] == PART_OF_SPEECH]
    if not found:
        return ""
    precision, recall = (
        percent(median(row[name] for row in found)) for name in ("tag_precision", "tag_recall")
    )
    return (
        f"Medians of the {PART_OF_SPEECH} neurons: {precision} of the hits have the tag, and the "
        f"neuron fires on {recall} of the words with the tag."
    )


def percent(share: float) -> str:
    """A share in per cent, with one decimal below ten.

    >>> percent(0.957), percent(0.041), percent(0.0), percent(0.0001)
    ('96%', '4.1%', '0%', '<0.1%')
    """
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < 0.0995 else f"{share:.0%}"

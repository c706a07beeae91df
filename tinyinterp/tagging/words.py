"""Splits a text into words and sentences, with the characters of each word."""

from __future__ import annotations

import re
from collections.abc import Sequence as Row

# Characters that show nothing; the cleaning of texts takes them out, a text of other origin keeps
# them: soft hyphen, zero-width marks, byte-order mark.
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")
END = r"(?![^\W_])"  # no letter or digit follows
SUFFIX = rf"(?:s|m|d|re|ve|ll|t){END}"
RUN = r"(?:[^\W_]|[\u0300-\u036f])*"  # letters and digits with their accents
INSIDE = rf"(?:['’\x92](?!{SUFFIX})[^\W_]+)*"  # o'clock, but not Tom's
ATOM = rf"(?:\d+(?:[.,:/]\d+)+|[^\W_]){RUN}{INSIDE}"  # 1,000.5; 3:30; dog
TITLES = "Mr|Mrs|Ms|Dr|St|Jr|Sr|Prof|Rev|Capt|Lt|Sgt|Gov|Sen|Mt|Messrs|Mme"
SHORT = "etc|vs|Inc|Ltd|Corp|Co|Ave|Blvd|Feb|Sept|Oct|Nov|Dec|Ph\\.D"
# Words as the Penn treebank splits them: "did|n't", "can|not", "Tom|'s", "3.50", "Mr.", "...".
# The rules are those of the treebank's own script (MacIntyre 1995), which nltk's
# TreebankWordTokenizer follows. It knows where sentences end; here an abbreviation is one of a
# list or has a full stop inside (U.S.A.).
WORD = re.compile(
    rf"""
    (?:{TITLES})\.(?=\s) | (?:{SHORT})\.(?=\W)
    | [^\W\d_](?:\.[^\W\d_])+{END}\.?                  # U.S.A., e.g.
    | can(?=not{END}) | (?:gon|wan)(?=na{END}) | got(?=ta{END}) | (?:gim|lem)(?=me{END})
    | ['’‘\x91\x92]t(?=(?:is|was){END}) | d(?=['’\x92]ye{END}) | more(?=['’\x92]n{END})
    | [^\W_]+?(?=n['’\x92]t{END})                       # did, before n't
    | n['’\x92]t{END}
    | (?<![^\W_])['’‘\x91\x92](?:\d\ds?|em|cause|til|bout|cuz){END}  # '90s, 'em
    | ['’‘\x91\x92](?:ye{END}|n(?:['’\x92]|{END}))                   # rock 'n' roll
    | ['’\x92](?:s|m|d|re|ve|ll){END}                   # 's
    | {ATOM}(?:[-‐‑](?:o['’\x92]-)?{ATOM})*             # well-known, jack-o'-lantern
    | ([.!?*_=~-])\1+                                  # a run of one mark
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
STRAIGHT = str.maketrans(  # for taggers that know only straight marks; \x91 to \x94: Windows-1252
    "’‘\x91\x92“”„\x93\x94", "'" * 4 + '"' * 5
)
SENTENCE_END = re.compile(r"[.!?]+")
QUOTATION_MARK = re.compile(r"[\"“”„«»\x93\x94]")


def split_words(text: str) -> list[tuple[int, int]]:
    """Characters ``[start, end)`` of every word, number and mark, in order, without spaces.

    Invisible characters split no word: those inside a word lie within its span, others in none.

    >>> [text[a:b] for text in ["Tom didn't go."] for a, b in split_words(text)]
    ['Tom', 'did', "n't", 'go', '.']
    """
    shown = visible(text)
    spans = [match.span() for match in WORD.finditer(shown)]
    if len(shown) == len(text):
        return spans
    index = [i for i, character in enumerate(text) if not INVISIBLE.match(character)]
    return [(index[start], index[end - 1] + 1) for start, end in spans]


def visible(text: str) -> str:
    """The text without its invisible characters."""
    return INVISIBLE.sub("", text)


def group_sentences(text: str, spans: Row[tuple[int, int]]) -> list[list[str]]:
    """The words by sentence, since taggers expect a capital only at the start of a sentence.

    For the same reason an opening quotation mark ends a sentence: what follows starts a new one.
    """
    sentences: list[list[str]] = [[]]
    for index, (start, end) in enumerate(spans):
        gap = visible(text[spans[index - 1][1] : start]) if index else ""
        if sentences[-1] and _is_new_sentence(sentences[-1], gap):
            sentences.append([])
        sentences[-1].append(visible(text[start:end]))
    return sentences if sentences[0] else []


def _is_new_sentence(so_far: list[str], gap: str) -> bool:
    """Whether the word after ``so_far`` and the characters ``gap`` starts a sentence."""
    last = so_far[-1]
    if QUOTATION_MARK.fullmatch(last):
        ended = len(so_far) > 1 and SENTENCE_END.fullmatch(so_far[-2])
        return not gap or bool(ended) or "\n" in gap
    return bool(gap) and (bool(SENTENCE_END.fullmatch(last)) or "\n" in gap)

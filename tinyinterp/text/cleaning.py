r"""Mending stories: mojibake, control and invisible characters, line ends, blank lines.

What is mended carries no letters. Without it the published TinyStories have words that no tokenizer
and no tagger knows (``didn\x92t``). A story in which nothing is wrong stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter

MOJIBAKE = re.compile("â€|ï»¿|[ÂÃ][^\\sA-Za-z]")  # curly marks, byte order marks, accented letters
LOST_BYTE = re.compile("â€(?=[\\x00-\\x7f]|$)")  # what is left of a closing quotation mark
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")

LINE_ENDS = re.compile("\r+\n|[\r\u2028\u2029]")
# Bytes of Windows-1252 that were read as Latin-1; the five that it leaves open are not among them.
C1_CONTROLS = re.compile("[\x80\x82-\x8c\x8e\x91-\x9c\x9e\x9f]")
CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Soft hyphens, zero-width spaces and byte order marks, and marks of the direction of writing. The
# joiners stay beside any letter outside ASCII: emoji and several scripts are built with them.
INVISIBLE = re.compile(
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d](?![^\x00-\x7f])"
)
SURROGATE_PAIRS = re.compile("[\ud800-\udbff][\udc00-\udfff]")
SURROGATES = re.compile("[\ud800-\udfff]")
SUSPECT = re.compile(
    "[\x00-\x08\x0d-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
    "|" + MOJIBAKE.pattern
)
LAYERS = 4  # of one wrong decoding over another, at most


def clean(story: str, mended: Counter[str] | None = None) -> str:
    r"""A story with its mojibake, control characters, invisible characters and line ends mended.

    - UTF-8 that was once read as Windows-1252 (``â€œ`` for a quotation mark) is decoded again, by
      ``ftfy``; correct text stays, curly quotation marks included. The published TinyStories have
      lost the third byte of closing quotation marks; it is put back first.
    - A C1 control is the Windows-1252 character of its byte; other control characters go.
    - Soft hyphens, zero-width characters and marks of direction go.
    - A pair of surrogates is its character, a single one is U+FFFD.
    - Line ends become ``\n``.

    Args:
        story: one story.
        mended: what was mended is counted here, by kind; line ends are not counted.

    >>> clean("He didn\x92t see the rain\xadbow.\r\nâ€œOh!â€\x9d")
    'He didn’t see the rainbow.\n“Oh!”'
    """
    if not SUSPECT.search(story):
        return story
    counts: Counter[str] = Counter() if mended is None else mended
    story = LINE_ENDS.sub("\n", story)
    for _ in range(LAYERS):
        before = story
        # First, so that mojibake of Latin-1 has the form of that of Windows-1252.
        story, found = C1_CONTROLS.subn(_as_windows_1252, story)
        repaired = _repair_mojibake(story)
        if repaired != story:
            counts["mojibake"] += 1
        elif found:
            counts["control characters"] += found
        story = repaired
        if story == before:
            break
    story = SURROGATE_PAIRS.sub(_joined, story)
    for name, kind, instead in (
        ("control characters", CONTROLS, ""),
        ("invisible characters", INVISIBLE, ""),
        ("single surrogates", SURROGATES, "\ufffd"),
    ):
        story, found = kind.subn(instead, story)
        if found:
            counts[name] += found
    return story


def fold_blank_lines(story: str) -> str:
    r"""Runs of blank lines, white space in them included, as one line break.

    >>> fold_blank_lines("Tim ran.\n\nHe fell.\n \n\nThe end.")
    'Tim ran.\nHe fell.\nThe end.'
    """
    return BLANK_LINES.sub("\n", story)


def windows_1252(byte: int) -> str:
    """The character of a byte; of the five that Windows-1252 leaves open, the control character."""
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def _as_windows_1252(found: re.Match[str]) -> str:
    return windows_1252(ord(found[0]))


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _repair_mojibake(story: str) -> str:
    # ftfy alone would take some correct pairs, such as ”ß, for wrong ones.
    if not MOJIBAKE.search(story):
        return story
    import ftfy

    story = story.replace('â€"', "—")  # the third byte of a dash, made a straight quotation mark
    return ftfy.fix_encoding(LOST_BYTE.sub("â€\x9d", story))

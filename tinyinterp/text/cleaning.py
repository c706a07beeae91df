"""Mending stories: mojibake of the published files, and blank lines between paragraphs."""

from __future__ import annotations

import re

MOJIBAKE = re.compile("â€|[ÂÃ][^\\sA-Za-z]")  # how curly marks and accented letters come out
LOST_BYTE = re.compile("â€(?=[\\x00-\\x7f]|$)")  # what is left of a closing quotation mark
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")


def clean(story: str) -> str:
    """Repair mojibake (``â€œ`` for a quotation mark) as the published TinyStories files have it.

    UTF-8 that was once read as Windows-1252 is decoded again, by ``ftfy``; correct text
    stays as it is, curly quotation marks included. The published files have lost the third byte of
    closing quotation marks, which Windows-1252 does not define; it is put back first.
    """
    # ftfy alone would take some correct pairs, such as ”ß, for wrong ones.
    if not MOJIBAKE.search(story):
        return story
    import ftfy

    story = story.replace('â€"', "—")  # the third byte of a dash, made a straight quotation mark
    return ftfy.fix_encoding(LOST_BYTE.sub("â€\x9d", story))


def fold_blank_lines(story: str) -> str:
    r"""Runs of blank lines, white space in them included, as one line break.

    >>> fold_blank_lines("Tim ran.\n\nHe fell.\n \n\nThe end.")
    'Tim ran.\nHe fell.\nThe end.'
    """
    return BLANK_LINES.sub("\n", story)

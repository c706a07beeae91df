"""A story with its sentences shuffled: grammar is kept, plot is lost."""

from __future__ import annotations

import re

import numpy as np

# Full stops and closing quotation marks, then white space; not after the titles that stories use.
BORDER = re.compile(r"(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bDr)[.!?…]+[\"'”’)]*(\s+)")


def shuffle_sentences(text: str, random: np.random.Generator) -> str:
    """``text`` with its sentences shuffled; a text of fewer than two is unchanged.

    White space does not move, so that each paragraph keeps its number of sentences.
    """
    sentences, gaps = split_sentences(text)
    if len(sentences) < 2:
        return text
    order = random.permutation(len(sentences))
    while (order == np.arange(len(sentences))).all():
        order = random.permutation(len(sentences))
    shuffled = [sentences[index] for index in order]
    return gaps[0] + "".join(s + gap for s, gap in zip(shuffled, gaps[1:], strict=True))


def split_sentences(text: str) -> tuple[list[str], list[str]]:
    """Sentences, and the white space before the first, between them and after the last.

    A sentence ends after ``.``, ``!``, ``?`` or ``…`` and the quotation marks that close with it,
    unless what follows begins in lower case: ``“Yes!” she said.`` is one.
    """
    body = text.strip()
    before = text[: len(text) - len(text.lstrip())]
    sentences, gaps, start = list[str](), [before], 0
    for border in BORDER.finditer(body):
        if body[border.end()].islower():
            continue
        sentences.append(body[start : border.start(1)])
        gaps.append(border.group(1))
        start = border.end()
    if body:
        sentences.append(body[start:])
        gaps.append(text[len(before) + len(body) :])
    return sentences, gaps

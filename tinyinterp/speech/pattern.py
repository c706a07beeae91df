"""The default tagger, which comes with the package's dependencies."""

from __future__ import annotations

import warnings
from collections.abc import Sequence as Row
from importlib.metadata import version

from tinyinterp.speech.conventions import from_penn, mark_tag
from tinyinterp.speech.tag_sets import PENN, UNIVERSAL, TagSet, from_treebank

STRAIGHT = str.maketrans("’‘“”„", '\'\'"""')  # taggers that know straight marks only
MARKS = {
    ".": ".!?",
    ",": ",",
    '"': "\"'’‘“”„«»`",
    "(": "([{<",
    ")": ")]}>",
    "$": "$£€#",
}


class PatternTagger:
    """The Brill tagger of ``pattern``, as ``textblob`` carries it: no download, no model."""

    def __init__(self, tag_set: TagSet = UNIVERSAL) -> None:
        from textblob.en.taggers import PatternTagger as Backend  # a second: only when needed

        self.name = f"textblob {version('textblob')} PatternTagger"
        self.tag_set = tag_set
        self._backend = Backend()
        with warnings.catch_warnings():  # its word lists are read now, and their files left open
            warnings.simplefilter("ignore", ResourceWarning)
            self._backend.tag("a", tokenize=False)

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`tinyinterp.speech.taggers.Tagger`. A word holds no space."""
        if not sentences:
            return []
        text = "\n".join(" ".join(sentence) for sentence in sentences)
        penn = [tag for _, tag in self._backend.tag(text.translate(STRAIGHT), tokenize=False)]
        tags: list[str] = []
        for sentence in sentences:
            own = penn[len(tags) : len(tags) + len(sentence)]
            if self.tag_set is PENN:
                tags += [_penn(word, tag) for word, tag in zip(sentence, own, strict=True)]
            else:
                tags += from_penn(sentence, own)
        return tags


def _penn(word: str, tag: str) -> str:
    """A tag of ``PENN``: the tagger calls marks that it does not know nouns and numbers."""
    mark = mark_tag(word)
    if mark in (None, "CCONJ"):
        return from_treebank(tag, PENN)
    for penn, characters in MARKS.items():
        if word[0] in characters:
            return penn
    return "SYM" if mark == "SYM" else ":"

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
NOMINATIVE = ("i", "he", "she", "we", "they")
PRONOUNS = ("you", "it", "who")
AUXILIARIES = (
    *("will", "would", "can", "ca", "could", "should", "must", "may", "might", "wo", "'ll"),
    *("do", "does", "did"),
)
OBJECTS = ("DT", "PRP", "PRP$", "NNP")  # the, him, her, Tom: what follows a verb, but no noun


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
            own = mend_verbs(sentence, penn[len(tags) : len(tags) + len(sentence)])
            if self.tag_set is PENN:
                tags += [_penn(word, tag) for word, tag in zip(sentence, own, strict=True)]
            else:
                tags += from_penn(sentence, own)
        return tags


def mend_verbs(words: Row[str], penn: Row[str]) -> list[str]:
    """The Penn tags of a sentence, its nouns where only a verb can stand called verbs.

    The tagger takes *need* and *help* for nouns wherever they stand.

    >>> mend_verbs(["I", "need", "to", "help", "Tom"], ["PRP", "NN", "TO", "NN", "NNP"])
    ['PRP', 'VBP', 'TO', 'VB', 'NNP']
    """
    lower = [word.lower().translate(STRAIGHT) for word in words]
    mended = list(penn)
    for i in range(1, len(words)):
        if penn[i] not in ("NN", "NNS"):
            continue
        before, after = lower[i - 1], penn[i + 1] if i + 1 < len(penn) else ""
        if before in ("not", "n't") and i > 1:
            before = lower[i - 2] if lower[i - 2] in AUXILIARIES else before
        if before in AUXILIARIES or (before == "to" and after in OBJECTS):
            mended[i] = "VB"
        elif before in NOMINATIVE or (before in PRONOUNS and after in (*OBJECTS, "TO")):
            mended[i] = "VBZ" if penn[i] == "NNS" else "VBD" if before in ("he", "she") else "VBP"
    return mended


def _penn(word: str, tag: str) -> str:
    """A tag of ``PENN``: the tagger calls marks that it does not know nouns and numbers."""
    mark = mark_tag(word)
    if mark in (None, "CCONJ"):
        return from_treebank(tag, PENN)
    for penn, characters in MARKS.items():
        if word[0] in characters:
            return penn
    return "SYM" if mark == "SYM" else ":"

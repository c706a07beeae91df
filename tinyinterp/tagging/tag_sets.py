"""The two sets of part-of-speech tags, and the conversion of treebank tags to them.

Universal tags differ from Universal Dependencies in two tags, because the default tagger uses Penn
tags: AUX is merged into VERB, and SCONJ into ADP (Penn's ``IN`` is both).
"""

from __future__ import annotations

from dataclasses import dataclass

NO_TAG = -1  # of a token that is not scored
UNSURE = ""  # of a word to which a tagger gives no tag


@dataclass(frozen=True)
class TagSet:
    """The tags that a tagger may give; a tag's number is its index in ``names``."""

    name: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index(self, tag: str) -> int:
        """The number of a tag; ``NO_TAG`` for ``UNSURE``.

        >>> UNIVERSAL.index("VERB"), UNIVERSAL.index(UNSURE)
        (2, -1)
        """
        return NO_TAG if tag == UNSURE else self.names.index(tag)


UNIVERSAL = TagSet(
    "universal",
    (
        *("NOUN", "PROPN", "VERB", "ADJ", "ADV", "PRON", "DET", "ADP"),
        *("CCONJ", "PART", "NUM", "INTJ", "PUNCT", "SYM", "X"),
    ),
)
# Penn's tags of words, then of marks: sentence ends, commas, dashes and similar, quotation marks
# (opening and closing), brackets, currency. X is everything else.
PENN = TagSet(
    "penn",
    (
        *("NN", "NNS", "NNP", "NNPS", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"),
        *("JJ", "JJR", "JJS", "RB", "RBR", "RBS", "WRB", "PRP", "PRP$", "WP", "WP$", "EX"),
        *("DT", "PDT", "WDT", "IN", "RP", "TO", "POS", "CC", "CD", "UH", "FW", "LS"),
        *(".", ",", ":", '"', "(", ")", "$", "SYM", "X"),
    ),
)
TAG_SETS = {tag_set.name: tag_set for tag_set in (UNIVERSAL, PENN)}
TAGS = UNIVERSAL.names

UNIVERSAL_DEPENDENCIES = {"AUX": "VERB", "SCONJ": "ADP"}
TREEBANK_PENN = {  # tags of newer treebanks, and marks that share a tag in PENN
    **dict.fromkeys(("``", "''", "'"), '"'),
    **dict.fromkeys(("-LRB-", "[", "{"), "("),
    **dict.fromkeys(("-RRB-", "]", "}"), ")"),
    **dict.fromkeys(("HYPH", "NFP"), ":"),
    "#": "$",
    "ADD": "X",
}


def from_treebank(tag: str, tag_set: TagSet) -> str:
    """Convert a treebank tag to one of ``tag_set``; X if the set has no such tag.

    >>> from_treebank("AUX", UNIVERSAL), from_treebank("-LRB-", PENN), from_treebank("GW", PENN)
    ('VERB', '(', 'X')
    """
    renamed = UNIVERSAL_DEPENDENCIES if tag_set is UNIVERSAL else TREEBANK_PENN
    tag = renamed.get(tag, tag)
    return tag if tag in tag_set.names else "X"

"""A second tagger that needs no download: the Hanover Tagger, a hidden Markov model of morphemes.

Wartena 2019, "A Probabilistic Morphology Model for German Lemmatization"; its English model was
trained on the tags of the British National Corpus. The package is LGPL. Its models are pickles in
its own wheel, and only the package itself reads them.
"""

from __future__ import annotations

from collections.abc import Sequence as Row
from importlib.metadata import version

from tinyinterp.errors import SelectionError
from tinyinterp.tagging.conventions import by_convention
from tinyinterp.tagging.tag_sets import UNIVERSAL, TagSet
from tinyinterp.tagging.words import STRAIGHT

CLAWS_TO_UNIVERSAL = {
    **dict.fromkeys(("NN0", "NN1", "NN2", "ZZ0"), "NOUN"),
    "NP0": "PROPN",
    **dict.fromkeys(("AJ0", "AJC", "AJS", "ORD"), "ADJ"),
    **dict.fromkeys(("AV0", "AVP", "AVQ"), "ADV"),
    **dict.fromkeys(("PNP", "PNI", "PNQ", "PNX", "DPS", "EX0"), "PRON"),
    **dict.fromkeys(("AT0", "DT0", "DTQ"), "DET"),
    **dict.fromkeys(("PRP", "PRF", "CJS", "CJT"), "ADP"),
    "CJC": "CCONJ",
    **dict.fromkeys(("TO0", "POS", "XX0"), "PART"),
    "CRD": "NUM",
    "ITJ": "INTJ",
}


class HantaTagger:
    """The English model of ``HanTa``; universal tags only.

    Raises:
        SelectionError: it is not installed, or the tags are not universal.
    """

    def __init__(self, tag_set: TagSet = UNIVERSAL) -> None:
        if tag_set is not UNIVERSAL:
            raise SelectionError(
                f"HanTa has no {tag_set.name} tags; use the tagger 'pattern', or universal tags"
            )
        try:
            from HanTa.HanoverTagger import HanoverTagger
        except ImportError as error:
            raise SelectionError(
                "HanTa is not installed; pip install 'tinyinterp[hanta]', or use another tagger"
            ) from error
        self.name = f"HanTa {version('HanTa')} morphmodel_en"
        self.tag_set = tag_set
        self._backend = HanoverTagger("morphmodel_en.pgz")

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`tinyinterp.tagging.taggers.Tagger`."""
        tags: list[str] = []
        for sentence in sentences:
            found = self._backend.tag_sent([word.translate(STRAIGHT) for word in sentence])
            tags += by_convention(sentence, [_universal(str(claws)) for _, _, claws in found])
        return tags


def _universal(claws: str) -> str:
    return "VERB" if claws.startswith("V") else CLAWS_TO_UNIVERSAL.get(claws, "X")

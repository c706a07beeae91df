"""Taggers behind one interface, chosen by name, and a pair of taggers that must agree.

``pattern`` is always installed. ``hanta`` and ``spacy`` are extras (``pip install
'tinyinterp[hanta]'``); spaCy also needs an English pipeline. ``agree`` is the default tagger and
the best other one that is installed; words on which they differ get no tag.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Row
from importlib.util import find_spec
from typing import Protocol, runtime_checkable

from tinyinterp.errors import SelectionError
from tinyinterp.tagging.tag_sets import TAG_SETS, UNIVERSAL, UNSURE, TagSet

DEFAULT_TAGGER = "pattern"
AGREE = "agree"  # not a tagger of its own


@runtime_checkable
class Tagger(Protocol):
    """Tags words with their parts of speech."""

    name: str  # with its version, for the notes of a table
    tag_set: TagSet

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """A tag of the set, or ``UNSURE``, for each word of all sentences, in one list."""
        ...


class AgreeingTaggers:
    """Two taggers: a word on which they differ is ``UNSURE``.

    Raises:
        SelectionError: their tag sets differ.
    """

    def __init__(self, first: Tagger, second: Tagger) -> None:
        if first.tag_set != second.tag_set:
            raise SelectionError(
                f"{first.name} gives {first.tag_set.name} tags, {second.name} gives "
                f"{second.tag_set.name} tags; choose two taggers with the same tags"
            )
        self.name = f"{first.name} and {second.name}, where they agree"
        self.tag_set = first.tag_set
        self._taggers = (first, second)

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`Tagger`."""
        first, second = (tagger.tag(sentences) for tagger in self._taggers)
        return [a if a == b else UNSURE for a, b in zip(first, second, strict=True)]


def open_tagger(name: str = DEFAULT_TAGGER, tags: str = UNIVERSAL.name) -> Tagger:
    """The tagger of that name.

    Args:
        name: of ``OPENERS``, or ``agree``; ``spacy:PIPELINE`` names a pipeline or its folder.
        tags: ``universal`` or ``penn``.

    Raises:
        SelectionError: there is no such tagger or tag set, the tagger is not installed, or it
            does not have these tags.
    """
    if tags not in TAG_SETS:
        raise SelectionError(f"there are no tags {tags!r}; choose one of {', '.join(TAG_SETS)}")
    kind, _, pipeline = name.partition(":")
    if kind not in (*OPENERS, AGREE) or (pipeline and kind != "spacy"):
        known = ", ".join((*OPENERS, AGREE))
        raise SelectionError(
            f"there is no tagger {name!r}; choose one of {known}, or spacy:PIPELINE"
        )
    if kind == AGREE:
        return AgreeingTaggers(open_tagger(DEFAULT_TAGGER, tags), open_tagger(_second(tags), tags))
    return OPENERS[kind](TAG_SETS[tags], pipeline)


def _open_pattern(tag_set: TagSet, _: str) -> Tagger:
    from tinyinterp.tagging.pattern import PatternTagger

    return PatternTagger(tag_set)


def _open_spacy(tag_set: TagSet, pipeline: str) -> Tagger:
    from tinyinterp.tagging.spacy_pipeline import SpacyTagger

    return SpacyTagger(tag_set, pipeline or None)


def _open_hanta(tag_set: TagSet, _: str) -> Tagger:
    from tinyinterp.tagging.hanta import HantaTagger

    return HantaTagger(tag_set)


# How each is opened, from its tag set and what follows the colon of its name; a line adds one.
OPENERS: dict[str, Callable[[TagSet, str], Tagger]] = {
    DEFAULT_TAGGER: _open_pattern,
    "spacy": _open_spacy,
    "hanta": _open_hanta,
}


def installed_taggers(tags: str = UNIVERSAL.name) -> list[str]:
    """The installed single taggers that have these tags: the default, then the best first."""
    names = [DEFAULT_TAGGER]
    if find_spec("spacy") is not None:
        from tinyinterp.tagging.spacy_pipeline import english_pipelines

        names += ["spacy"] if english_pipelines() else []
    if tags == UNIVERSAL.name and find_spec("HanTa") is not None:
        names.append("hanta")
    return names


def _second(tags: str) -> str:
    """The tagger that ``agree`` compares with the default.

    Raises:
        SelectionError: there is none.
    """
    for name in installed_taggers(tags):
        if name != DEFAULT_TAGGER:
            return name
    raise SelectionError(
        f"'agree' needs two taggers with {tags} tags, and only {DEFAULT_TAGGER!r} is installed; "
        "pip install 'tinyinterp[hanta]' (universal tags), or spaCy with an English pipeline"
    )

"""spaCy as a tagger, if it is installed with an English pipeline."""

from __future__ import annotations

from collections.abc import Sequence as Row
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tinyinterp.errors import SelectionError
from tinyinterp.tagging.tag_sets import PENN, UNIVERSAL, TagSet, from_treebank

if TYPE_CHECKING:
    from spacy.language import Language

PREFERRED = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg")  # then any other English one
NOT_NEEDED = ("parser", "senter", "ner", "entity_linker", "lemmatizer")


class SpacyTagger:
    """A spaCy pipeline that tags our words, a sentence at a time.

    Args:
        tag_set: universal tags are the pipeline's ``pos_``, Penn tags its ``tag_``.
        pipeline: its name, its folder, or the pipeline itself; None: an installed English one.

    Raises:
        SelectionError: spaCy or the pipeline is not installed, or the pipeline gives no such tags.
    """

    def __init__(self, tag_set: TagSet = UNIVERSAL, pipeline: str | Language | None = None) -> None:
        if find_spec("spacy") is None:
            raise SelectionError(
                "spaCy is not installed; pip install 'tinyinterp[spacy]' and an English pipeline "
                "(python -m spacy download en_core_web_sm), or use another tagger"
            )
        if pipeline is None:
            pipeline = next(iter(english_pipelines()), None)
            if pipeline is None:
                raise SelectionError(
                    "spaCy has no English pipeline; python -m spacy download en_core_web_sm, or "
                    "name a folder: spacy:FOLDER"
                )
        if isinstance(pipeline, str):
            pipeline = _load(pipeline)
        about = pipeline.meta
        self.name = f"spaCy {version('spacy')} {about['lang']}_{about['name']} {about['version']}"
        self.tag_set = tag_set
        self._pipeline = pipeline
        if self._tags([["word"]]) == [""]:
            raise SelectionError(
                f"{self.name} gives no {tag_set.name} tags; choose a pipeline with a tagger"
            )

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`tinyinterp.tagging.taggers.Tagger`."""
        return [from_treebank(tag, self.tag_set) for tag in self._tags(sentences)]

    def _tags(self, sentences: Row[Row[str]]) -> list[str]:
        from spacy.tokens import Doc

        given = [Doc(self._pipeline.vocab, words=list(words)) for words in sentences]
        words = [word for read in self._pipeline.pipe(given) for word in read]
        return [word.tag_ if self.tag_set is PENN else word.pos_ for word in words]


def english_pipelines() -> list[str]:
    """Names of the installed English pipelines, the preferred ones first."""
    from spacy.util import get_installed_models

    found = sorted(name for name in get_installed_models() if name.startswith("en_"))
    return [*(n for n in PREFERRED if n in found), *(n for n in found if n not in PREFERRED)]


def _load(name: str) -> Language:
    import spacy

    try:
        return spacy.load(name, exclude=list(NOT_NEEDED))
    except OSError as error:
        raise SelectionError(
            f"spaCy cannot open the pipeline {name!r}; install it (python -m spacy download "
            f"{name}) or name the folder of one"
        ) from error

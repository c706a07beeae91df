"""Tags the stories of a corpus: the words of each, and the tag of every token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from tinyinterp.tagging.alignment import Part, align
from tinyinterp.tagging.pattern import PatternTagger
from tinyinterp.tagging.tag_sets import NO_TAG, TagSet
from tinyinterp.tagging.taggers import Tagger
from tinyinterp.tagging.words import group_sentences, split_words
from tinyinterp.text.sequences import Sequence

STORIES_CACHED = 1024  # twice what a corpus reads at a time, so that no story is tagged per piece


@dataclass(frozen=True)
class Words:
    """The words of a story: their characters ``[start, end)`` and their tags."""

    starts: Int[np.ndarray, " word"]
    ends: Int[np.ndarray, " word"]
    tags: Int[np.ndarray, " word"]  # indices into the tag set; NO_TAG for a word without a tag


@dataclass(frozen=True)
class TokenTags:
    """The tokens of a sequence with their words and tags, the end-of-text in front included."""

    words: Int[np.ndarray, " position"]  # index of the word in its story; -1: none or several
    parts: Int[np.ndarray, " position"]  # values of Part
    tags: Int[np.ndarray, " position"]  # indices into the tag set; NO_TAG where not scored
    next_tags: Int[np.ndarray, " position"]  # of the next word; NO_TAG also at the end of a story


class TagReader:
    """Tags the stories of a corpus and aligns the tags to tokens.

    A story is tagged once, however many sequences it was cut into; the last 1,024 are cached.

    Args:
        tagger: None: the default tagger.
    """

    def __init__(self, tagger: Tagger | None = None) -> None:
        self.tagger = tagger or PatternTagger()
        self._words = lru_cache(STORIES_CACHED)(self._tag_words)

    @property
    def tag_set(self) -> TagSet:
        """The tag set that this reader's numbers are indices into."""
        return self.tagger.tag_set

    def words(self, story: str) -> Words:
        """The words of a story with their tags."""
        return self._words(story)

    def tokens(self, sequence: Sequence) -> TokenTags:
        """The word and part of every token of a sequence, and the tags of those that are scored."""
        story = self.words(sequence.story)
        words, parts = align(sequence.offsets, story.starts, story.ends)
        scored = (parts == Part.WHOLE) | (parts == Part.START)
        padded = np.append(story.tags, [NO_TAG, NO_TAG])  # the last word has no next
        own = np.where(scored, padded[words], NO_TAG)
        following = np.where(scored, padded[np.minimum(words + 1, len(story.tags))], NO_TAG)
        return TokenTags(words, parts, own, following)

    def _tag_words(self, story: str) -> Words:
        spans = split_words(story)
        texts = [story[start:end] for start, end in spans]
        tags = self.tagger.tag(group_sentences(story, spans))
        if len(tags) != len(texts):
            raise AssertionError(f"{self.tagger.name}: {len(tags)} tags for {len(texts)} words")
        bounds = np.array(spans, dtype=np.int64).reshape(-1, 2)
        numbers = np.array([self.tag_set.index(tag) for tag in tags], dtype=np.int64)
        return Words(bounds[:, 0], bounds[:, 1], numbers)

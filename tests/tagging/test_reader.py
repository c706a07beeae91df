from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models import tiny_tokenizer
from tinyinterp.tagging import (
    NO_TAG,
    TAGS,
    UNIVERSAL,
    Part,
    PatternTagger,
    TagReader,
    align,
    split_words,
)
from tinyinterp.tagging.words import visible
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.sequences import Sequence

TAGGER = PatternTagger()
MARKS = ("\u00ad", "\u200b", "\u200d", "\ufeff", "\u2060\u200c")  # nobody sees them


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


def tagged(text: str) -> list[str]:
    words = TagReader(TAGGER).words(text)
    return [
        f"{text[start:end]}/{TAGS[tag]}"
        for start, end, tag in zip(words.starts, words.ends, words.tags, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Tom didn't go.", "Tom did n't go ."),
        ("She can’t; it’s Tom's.", "She ca n’t ; it ’s Tom 's ."),
        ("I'll, we've, he'd, they're, I'm", "I 'll , we 've , he 'd , they 're , I 'm"),
        ('“No!” she said... "Yes?!"', '“ No ! ” she said ... " Yes ? ! "'),
        ("At 3:30 Mr. Bear had 1,000.5 eggs", "At 3:30 Mr. Bear had 1,000.5 eggs"),
        ("o'clock 'hi'", "o'clock ' hi '"),
        ("a\n\nb\tc", "a b c"),
        ("cafe\u0301 🎉🎉", "cafe\u0301 🎉 🎉"),
        ("", ""),
        (" \n ", ""),
        # the rules of Penn's own script, as in nltk's TreebankWordTokenizer
        ("An e-mail of the U.S.A. came.", "An e-mail of the U.S.A. came ."),
        ("at 5 p.m. in the U.S., e.g. here", "at 5 p.m. in the U.S. , e.g. here"),
        ("I cannot go. CANNOT!", "I can not go . CAN NOT !"),
        ("gonna, Wanna gotta", "gon na , Wan na got ta"),
        ("lemme gimme more'n d'ye", "lem me gim me more 'n d 'ye"),
        ("cannoty gonnabe gottas", "cannoty gonnabe gottas"),
        ("'Tis cold; ’twas hot", "'T is cold ; ’t was hot"),
        ("tell 'em 'cause I can't", "tell 'em 'cause I ca n't"),
        ("rock 'n' roll in the '90s", "rock 'n' roll in the '90s"),
        ("Mr. and Mrs. Fox, Dr. Owl etc. and St.", "Mr. and Mrs. Fox , Dr. Owl etc. and St ."),
        ("Yes... no -- a—b--c", "Yes ... no -- a — b -- c"),
        ("a well-known 15-year-old", "a well-known 15-year-old"),
        ("b-but the jack-o'-lantern", "b-but the jack-o'-lantern"),
        ("my mother-in-law's - x-", "my mother-in-law 's - x -"),
        ("John's dogs' 1990's", "John 's dogs ' 1990 's"),
        ("3:30pm, 1/2 of $5 and 5%", "3:30pm , 1/2 of $ 5 and 5 %"),
        ("It was I. Then A was.", "It was I . Then A was ."),
    ],
)
def test_words_are_cut_as_the_tagger_expects(text: str, words: str):
    assert words_of(text) == words.split()


@given(st.text())
def test_words_are_ordered_and_leave_out_only_what_nobody_sees(text: str):
    spans = split_words(text)
    shown = visible(text)
    assert all(a < b for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    covered = "".join(visible(text[a:b]) for a, b in spans)
    assert covered == "".join(shown.split())


SHOWN = "“Tom didn't,” it's wonderful. I cannot go at 3:30 to the U.S.A. or e-mail him!"


@given(st.lists(st.sampled_from(range(len(SHOWN))), max_size=9), st.sampled_from(MARKS))
def test_invisible_characters_change_neither_words_nor_tags(places: list[int], mark: str):
    text = "".join(mark * (i in places) + char for i, char in enumerate(SHOWN))
    spans = split_words(text)
    assert [visible(text[a:b]) for a, b in spans] == words_of(SHOWN)
    reader = TagReader(TAGGER)
    assert reader.words(text).tags.tolist() == reader.words(SHOWN).tags.tolist()


@given(st.lists(st.sampled_from(range(len(SHOWN))), max_size=9), st.sampled_from(MARKS))
def test_invisible_characters_leave_tokens_aligned(places: list[int], mark: str):
    """Of each word one token is scored, and its tag is the word's; a token of marks is not."""
    text = "".join(mark * (i in places) + char for i, char in enumerate(SHOWN))
    sequence = next(corpus_of([text], tiny_tokenizer(), 997).sequences())
    reader = TagReader(TAGGER)
    words, tokens = reader.words(sequence.story), reader.tokens(sequence)
    scored = np.flatnonzero(tokens.tags != NO_TAG)
    assert (tokens.tags[scored] == words.tags[tokens.words[scored]]).all()
    assert len(set(tokens.words[scored].tolist())) == len(scored)
    for position in scored:
        start, end = sequence.offsets[position]
        assert visible(sequence.story[start:end]).strip()


@pytest.mark.parametrize(
    "text", ["didn\x92t", "\x93It\x92s,\x94", "Tom\x92s", "ca\x92fe \x80 \x81"]
)
def test_windows_quotation_marks_are_cut_like_the_marks_they_stand_for(text: str):
    marks = str.maketrans("\x91\x92\x93\x94", "‘’“”")
    assert split_words(text) == split_words(text.translate(marks))
    mended = TagReader(TAGGER).words(text.translate(marks))
    assert TagReader(TAGGER).words(text).tags.tolist() == mended.tags.tolist()


@given(st.text())
def test_each_word_of_any_text_gets_a_tag(text: str):
    assert len(TagReader(TAGGER).words(text).tags) == len(split_words(text))


def test_tags_of_a_story():
    text = "She didn't want to go to the old park. It's Tom's red ball!"
    assert " ".join(tagged(text)) == (
        "She/PRON did/VERB n't/PART want/VERB to/PART go/VERB to/ADP the/DET old/ADJ park/NOUN "
        "./PUNCT It/PRON 's/VERB Tom/PROPN 's/PART red/ADJ ball/NOUN !/PUNCT"
    )


def test_a_capital_after_a_quotation_mark_is_no_name():
    assert "Can/VERB" in tagged('Tom said, "Can we play?"')
    assert "Can/VERB" in tagged("Tom said, “Can we play?”")


def test_symbols_and_slashes_do_not_break_the_tagger():
    assert tagged("a/b 🎉 — 5 $") == [
        *("a/DET", "//PUNCT", "b/NOUN", "🎉/SYM", "—/PUNCT", "5/NUM", "$/SYM"),
    ]
    assert tagged(" ") == []


def parts(offsets: list[tuple[int, int]], spans: list[tuple[int, int]]) -> list[tuple[int, str]]:
    starts, ends = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    words, kinds = align(np.array(offsets, dtype=np.int64).reshape(-1, 2), starts, ends)
    return [(int(word), Part(kind).name) for word, kind in zip(words, kinds, strict=True)]


def test_tokens_are_matched_to_words_by_their_characters():
    # "The elephant's 🎉": The | eleph|ant|'s | 🎉 in two halves, and a token of nothing but space
    spans = [(0, 3), (4, 12), (12, 14), (15, 16)]
    tokens = [(0, 0), (0, 3), (3, 9), (9, 12), (12, 14), (14, 15), (15, 16), (15, 16)]
    assert parts(tokens, spans) == [
        (-1, "NONE"),  # end-of-text
        (0, "WHOLE"),
        (1, "START"),
        (1, "CONTINUATION"),
        (2, "WHOLE"),
        (-1, "NONE"),
        (3, "START"),
        (3, "CONTINUATION"),
    ]


def test_a_token_over_several_words_belongs_to_none_of_them():
    spans = [(0, 3), (3, 6), (7, 9)]  # did|n't go
    assert parts([(0, 4), (4, 6), (6, 9)], spans) == [
        (-1, "SEVERAL"),
        (1, "CONTINUATION"),
        (2, "WHOLE"),
    ]


def test_a_piece_that_starts_inside_of_a_word_continues_it():
    assert parts([(0, 0), (2, 5), (5, 9)], [(0, 5), (6, 9)]) == [
        (-1, "NONE"),
        (0, "CONTINUATION"),
        (1, "WHOLE"),
    ]


def test_no_words():
    assert parts([(0, 0), (0, 2)], []) == [(-1, "NONE"), (-1, "NONE")]


@given(st.text(max_size=60))
def test_every_word_has_at_most_one_scored_token(text: str):
    starts, ends = np.array(split_words(text), dtype=np.int64).reshape(-1, 2).T
    offsets = np.array([(0, 0), *tiny_tokenizer().encode(text).offsets], dtype=np.int64)
    words, kinds = align(offsets, starts, ends)
    scored = words[(kinds == Part.WHOLE) | (kinds == Part.START)]
    assert len(set(scored.tolist())) == len(scored)
    assert (scored >= 0).all()


class CountingTagger:
    name = "nouns 1.0"
    tag_set = UNIVERSAL

    def __init__(self) -> None:
        self.stories = 0

    def tag(self, sentences):
        self.stories += 1
        return ["NOUN" if word.isalpha() else "PUNCT" for s in sentences for word in s]


def test_a_story_in_pieces_is_tagged_once_and_each_piece_gets_its_tags():
    story = "Tim saw a dog. " * 9
    tagger = CountingTagger()
    reader = TagReader(tagger)
    pieces = list(corpus_of([story], tiny_tokenizer(), n_ctx=11).sequences())
    assert len(pieces) > 3
    tags = np.concatenate([reader.tokens(piece).tags[1:] for piece in pieces])
    assert tagger.stories == 1
    assert (tags == TAGS.index("NOUN")).sum() == 4 * 9
    assert (tags == TAGS.index("PUNCT")).sum() == 9


def test_tags_of_the_word_that_comes_next():
    story = "Tim ran."
    encoding = tiny_tokenizer().encode(story)
    tokens = np.array([tiny_tokenizer().end_of_text, *encoding.ids])
    offsets = np.array([(0, 0), *encoding.offsets])
    side = next(corpus_of([story], tiny_tokenizer(), 31).sequences()).side
    read = TagReader(CountingTagger()).tokens(
        Sequence(tokens, offsets, story, number=0, side=side, block=3)
    )
    scored = read.tags >= 0
    noun, mark = TAGS.index("NOUN"), TAGS.index("PUNCT")
    assert read.tags[scored].tolist() == [noun, noun, mark]
    assert read.next_tags[scored].tolist() == [noun, mark, NO_TAG]
    assert (read.next_tags[~scored] == NO_TAG).all()

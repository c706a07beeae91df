from __future__ import annotations

import numpy as np
import pytest

from tinyinterp.model_account.rules import Wording
from tinyinterp.model_account.rules.patterns import BITS, FORMS, SLOTS, TAG, TOKEN, Words, slots_of
from tinyinterp.tagging import UNIVERSAL
from tinyinterp.text.tokenizer import Tokenizer

TEXT = (
    "Once upon a time, there was a little girl. She wanted and tried to show a boy the NOUN. "
    '"I will!" he said.\nThe girl didn\'t tell. (He saw. )'
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([TEXT] * 3, 329)  # all words are whole


@pytest.fixture(scope="module")
def words(tokenizer: Tokenizer) -> Words:
    return Words(len(UNIVERSAL), np.arange(tokenizer.n_vocab), tokenizer.n_vocab)


@pytest.fixture(scope="module")
def wording(words: Words, tokenizer: Tokenizer) -> Wording:
    return Wording(words, tokenizer, UNIVERSAL)


@pytest.fixture(scope="module")
def pattern(words: Words, tokenizer: Tokenizer):
    """A pattern from its slots as they are read: tokens as text, tags as numbers, None."""

    def number(asked: str | int | None) -> int:
        if asked is None:
            return 0
        if isinstance(asked, int):
            return asked + 1
        ids = tokenizer.encode(asked).ids
        if asked == "<|endoftext|>":
            ids = [tokenizer.end_of_text]
        assert len(ids) == 1, f"{asked!r} is no token here: {ids}"
        return int(words.of_tokens(np.array([ids]))[0, 0])

    def build(*asked: str | int | None) -> int:
        return sum(number(a) << BITS * slot for slot, a in enumerate(reversed(asked)))

    return build


DET, NOUN, VERB = (UNIVERSAL.names.index(name) for name in ("DET", "NOUN", "VERB"))

CASES = [
    ([(" wanted", " to", " show")], ("wanted to [show]",)),
    ([(DET, " little", " girl"), (DET, " little", " boy")], ("[DET] little [girl|boy]",)),
    ([(" girl",), (" boy",)], ("[girl|boy]",)),
    ([(" girl",), (NOUN,), (" boy",)], ("[girl|boy]", "[NOUN]")),
    ([(" wanted", " to"), (" tried", " to")], ("(wanted|tried) [to]",)),
    ([(" wanted", None, VERB)], ("wanted * [VERB]",)),
    ([("<|endoftext|>", "Once")], ("BOS [Once]",)),
    ([("Once",)], ("[+Once]",)),
    ([(" girl", ".")], ("girl[.]",)),
    ([(".",), (" (",)], ("[.|␣'(']",)),
    ([("e",), (" girl",)], ("[+e|girl]",)),
    ([(" girl", "e"), (" girl", " boy")], ("girl [+e|boy]",)),
    ([(".", "\n")], (".[\\n]",)),
    ([(DET, "\n")], ("[DET] [\\n]",)),
    ([(" NOUN",)], ("['NOUN']",)),
    # Apart in two slots, or by what is no token: not one rule.
    ([(" girl", " to"), (" boy", " show")], ("girl [to]", "boy [show]")),
    ([(" girl", " to"), (None, " to"), (DET, " to")], ("girl [to]", "[to]", "[DET] [to]")),
    # The slot that is joined first stays the one; the token's own comes before others.
    (
        [(" a", " girl"), (" the", " girl"), (" a", " boy"), (" the", " boy")],
        ("(a|the) [girl]", "(a|the) [boy]"),
    ),
]


@pytest.mark.parametrize(("patterns", "expected"), CASES)
def test_patterns_as_a_reader_sees_them(wording: Wording, pattern, patterns, expected):
    assert wording.rules([pattern(*asked) for asked in patterns]) == expected


def test_no_pattern_gives_no_rule(wording: Wording):
    assert wording.rules([]) == ()


def test_a_pattern_alone_is_one_rule_that_shows_every_slot(wording: Wording, words: Words):
    random = np.random.default_rng(0)
    for form in FORMS:
        drawn = {
            TAG: random.integers(1, words.n_tags + 1),
            TOKEN: random.integers(words.n_tags + 1, words.n_tags + 1 + len(words.types)),
        }
        numbers = [int(drawn.get(kind, 0)) for kind in form]
        whole = sum(number << BITS * slot for slot, number in enumerate(numbers))
        assert slots_of(whole) == tuple(numbers)
        assert [words.kind(number) for number in numbers] == list(form)
        (rule,) = wording.rules([whole])
        for number in numbers:
            if words.kind(number) == TAG:
                assert f"[{UNIVERSAL.names[words.tag(number)]}]" in rule
        assert rule.endswith("]")
        assert len(numbers) == SLOTS

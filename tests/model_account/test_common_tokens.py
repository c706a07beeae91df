from __future__ import annotations

from planted.neurons import ADJECTIVES, NAMES, NOUNS, VERBS, stories

from tests.models import STORIES
from tinyinterp.model_account.common_tokens import common_names, common_words
from tinyinterp.text.tokenizer import Tokenizer


def texts(tokenizer: Tokenizer, tokens: list[int]) -> list[str]:
    return [tokenizer.token_text(token) for token in tokens]


def test_names_are_told_from_other_words():
    text = [
        *stories(1, nouns=(*NOUNS, *NAMES)),
        *(" She. The dog. Then he, Suddenly" for _ in "ab"),
    ]
    tokenizer = Tokenizer.train(text, 401)
    found = texts(tokenizer, common_names(tokenizer))
    assert {" " + name for name in NAMES} <= set(found)
    others = {" " + word.capitalize() for word in (*VERBS, *ADJECTIVES, "the", "she", "then")}
    assert not others & set(found)


def test_words_are_in_the_order_of_the_vocabulary():
    tokenizer = Tokenizer.train(STORIES, 373)
    found = common_words(tokenizer)
    assert found == sorted(found)
    assert " the" in texts(tokenizer, found)
    assert all(text[0] == " " and text[1:].isalpha() for text in texts(tokenizer, found))
    assert len(found) > 30

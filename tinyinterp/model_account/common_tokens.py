"""The commonest words and names of a vocabulary, without a text to see them in.

A byte-pair tokenizer numbers its tokens by falling frequency, near enough.
"""

from __future__ import annotations

from tinyinterp.tagging import PatternTagger
from tinyinterp.text.tokenizer import Tokenizer

SENTENCE = ("she", "saw", "", "and", "smiled", ".")
SHORTEST = 3  # letters of a name: shorter ones are mostly the start of a word
NAME = "PROPN"
WORDS, NAMES = 512, 64  # as many as are read


def common_words(tokenizer: Tokenizer) -> list[int]:
    """The first 512 tokens that are a space and letters."""
    spelled = _spelled(tokenizer).items()
    return [token for token, text in spelled if text[:1] == " " and text[1:].isalpha()][:WORDS]


def common_names(tokenizer: Tokenizer) -> list[int]:
    """The first 64 tokens of a space, a capital and small letters that are names.

    The default tagger says which, reading each in the same sentence, where no other word would have
    a capital. Some are the start of a longer name or word.
    """
    words = {token: text[1:] for token, text in _spelled(tokenizer).items() if _capital(text)}
    at = SENTENCE.index("")
    sentences = [[*SENTENCE[:at], word, *SENTENCE[at + 1 :]] for word in words.values()]
    tags = PatternTagger().tag(sentences)[at :: len(SENTENCE)]
    return [token for token, tag in zip(words, tags, strict=True) if tag == NAME][:NAMES]


def _spelled(tokenizer: Tokenizer) -> dict[int, str]:
    return {token: tokenizer.token_text(token) for token in range(tokenizer.n_vocab)}


def _capital(text: str) -> bool:
    word = text[1:]
    whole = text[:1] == " " and word.isalpha() and len(word) >= SHORTEST
    return whole and word[0].isupper() and word[1:].islower()

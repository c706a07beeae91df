"""Texts tagged by hand, in CoNLL-U, the format of Universal Dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.errors import CorpusError, DependencyError
from tinyinterp.tagging.tag_sets import UNIVERSAL, TagSet, from_treebank

Token = dict[str, Any]


@dataclass(frozen=True)
class GoldWord:
    """A word, its gold tags, and its characters in the text of its document.

    A word without characters of its own (French *au* is *à le*) has ``start == end``.
    """

    form: str
    upos: str
    xpos: str
    start: int
    end: int
    lemma: str = "_"

    def tag(self, tag_set: TagSet) -> str:
        """Its tag in ``tag_set``."""
        return from_treebank(self.upos if tag_set is UNIVERSAL else self.xpos, tag_set)


@dataclass(frozen=True)
class Document:
    """A text and the words of its sentences."""

    text: str
    sentences: tuple[tuple[GoldWord, ...], ...]


@dataclass(frozen=True)
class _Sentence:
    """The lines of a sentence: the names of its comments, and its words by column."""

    comments: tuple[str, ...]
    tokens: list[Token]

    def begins(self, what: str) -> bool:
        """Whether a ``newdoc`` or ``newpar`` begins here; an id may follow either."""
        return any(name == what or name.startswith(f"{what} ") for name in self.comments)


def read_treebank(path: Path) -> list[Document]:
    """The documents of a CoNLL-U file; if it names none, each sentence is one.

    The text is assembled from the words, with a space between them unless ``SpaceAfter=No``, and a
    line break before a new paragraph.

    Raises:
        CorpusError: there is no such file, or it is not in CoNLL-U.
        DependencyError: ``conllu`` is not installed.
    """
    try:
        import conllu
        from conllu.exceptions import ParseException
    except ImportError as error:
        raise DependencyError("conllu", "treebank") from error
    try:
        parsed = conllu.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ParseException) as error:
        raise CorpusError(f"{path} cannot be read as CoNLL-U: {error}") from error
    sentences = [
        _Sentence(tuple(sentence.metadata), [dict(token) for token in sentence])
        for sentence in parsed
        if sentence
    ]
    tokens = [token for sentence in sentences for token in sentence.tokens]
    if not tokens or any("misc" not in token for token in tokens):
        raise CorpusError(f"{path} is not in CoNLL-U; expected a line of ten columns for each word")
    documents: list[list[_Sentence]] = []
    named = any(sentence.begins("newdoc") for sentence in sentences)
    for sentence in sentences:
        if not documents or not named or sentence.begins("newdoc"):
            documents.append([])
        documents[-1].append(sentence)
    return [_document(document) for document in documents]


def _document(sentences: list[_Sentence]) -> Document:
    text = ""
    read = []
    for sentence in sentences:
        if text and sentence.begins("newpar"):
            text = text.rstrip() + "\n"
        words: list[GoldWord] = []
        for token, parts in _surface(sentence.tokens):
            words += _words(token["form"], parts, len(text))
            text += token["form"] + ("" if _no_space(token) else " ")
        read.append(tuple(words))
    return Document(text.rstrip(), tuple(read))


def _surface(tokens: list[Token]) -> Iterator[tuple[Token, list[Token]]]:
    """The surface tokens with the words that each consists of; empty nodes are left out."""
    words = {token["id"]: token for token in tokens if isinstance(token["id"], int)}
    inside: set[int] = set()
    for token in tokens:
        number = token["id"]
        if isinstance(number, int):
            if number not in inside:
                yield token, [token]
        elif number[1] == "-":
            inside.update(range(number[0], number[2] + 1))
            yield token, [words[n] for n in range(number[0], number[2] + 1) if n in words]


def _words(form: str, parts: list[Token], start: int) -> Iterator[GoldWord]:
    together = "".join(part["form"] for part in parts) == form
    for part in parts:
        end = start + len(part["form"]) if together else start
        upos, xpos = part["upos"] or "X", part["xpos"] or "X"
        yield GoldWord(part["form"], upos, xpos, start, end, part["lemma"] or "_")
        start = end


def _no_space(token: Token) -> bool:
    return (token["misc"] or {}).get("SpaceAfter") == "No"

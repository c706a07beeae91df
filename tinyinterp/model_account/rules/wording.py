"""Patterns as a reader sees them: ``wanted to [show]``, ``[DET] little [girl|boy]``.

The token that the neuron fires on stands in brackets, and so does every tag; ``*`` is any token and
``BOS`` the start token in front of a story. Patterns that differ in one token are written as one,
their tokens between ``|``. Where nothing but the token says so, a word that goes on (or starts a
line) has ``+`` in front, and a mark with a space before it ``␣``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tinyinterp.model_account.rules.patterns import SLOTS, TAG, TOKEN, Words, slots_of
from tinyinterp.tagging import TagSet
from tinyinterp.text.tokenizer import Tokenizer

BEGINNING = "BOS"
SPECIAL = frozenset("[]|()*+")


@dataclass(frozen=True)
class _Written:
    """Patterns that differ in one slot at most; each slot has all that they ask for there."""

    slots: list[list[int]]

    def joined_by(self, pattern: tuple[int, ...], words: Words) -> int | None:
        """The one slot in which a pattern differs by its token, if it may join."""
        apart = [slot for slot in range(SLOTS) if self.slots[slot] != [pattern[slot]]]
        if len(apart) != 1:
            return None
        (slot,) = apart
        both = [*self.slots[slot], pattern[slot]]
        return slot if all(words.kind(number) == TOKEN for number in both) else None


@dataclass(frozen=True)
class _Name:
    """What a token is called."""

    plain: str  # where its surroundings show whether there is a space in front
    marked: str  # where they do not: the name itself shows it, if that is unusual
    spaced: bool  # whether there is one


class Wording:
    """Writes patterns out.

    Args:
        words: what the patterns ask for, by number.
        tokenizer: of the model.
        tag_set: of the tagger.
    """

    def __init__(self, words: Words, tokenizer: Tokenizer, tag_set: TagSet) -> None:
        self._words = words
        self._tokenizer = tokenizer
        self._tag_set = tag_set
        self._names: dict[int, _Name] = {}

    def rules(self, patterns: Iterable[int]) -> tuple[str, ...]:
        """Patterns in the order of their choice, those that differ in one token as one."""
        written: list[_Written] = []
        for pattern in map(slots_of, patterns):
            apart = [rule.joined_by(pattern, self._words) for rule in written]
            free = [(slot, number) for number, slot in enumerate(apart) if slot is not None]
            if free:
                slot, number = min(free)
                written[number].slots[slot].append(pattern[slot])
            else:
                written.append(_Written([[number] for number in pattern]))
        return tuple(self._write(rule.slots) for rule in written)

    def _write(self, slots: list[list[int]]) -> str:
        reach = max(slot for slot in range(SLOTS) if slots[slot] != [0])
        text, after_token = "", False
        for slot in range(reach, -1, -1):
            piece, close_up = self._slot(slots[slot], after_token=after_token, is_hit=slot == 0)
            text += piece if not text or (close_up and text != BEGINNING) else f" {piece}"
            after_token = self._words.kind(slots[slot][0]) == TOKEN
        return text

    def _slot(self, numbers: list[int], *, after_token: bool, is_hit: bool) -> tuple[str, bool]:
        """What a slot asks for, and whether it is written close up to what comes before it."""
        kind = self._words.kind(numbers[0])
        if kind == TAG:
            return f"[{self._tag_set.names[self._words.tag(numbers[0])]}]", False
        if kind != TOKEN:
            return "*", False
        named = [self._name(number) for number in numbers]
        spaced = {name.spaced for name in named}
        plain = after_token and len(spaced) == 1
        text = "|".join(name.plain if plain else name.marked for name in named)
        if is_hit:
            text = f"[{text}]"
        elif len(numbers) > 1:
            text = f"({text})"
        return text, plain and spaced == {False}

    def _name(self, number: int) -> _Name:
        if number not in self._names:
            token = self._words.token(number)
            if token in self._tokenizer.front:
                self._names[number] = _Name(BEGINNING, BEGINNING, spaced=True)
            else:
                text = self._tokenizer.token_text(token)
                self._names[number] = _name_of(text, reserved=(*self._tag_set.names, BEGINNING))
        return self._names[number]


def _name_of(text: str, reserved: tuple[str, ...] = ()) -> _Name:
    """How a token is called.

    >>> [_name_of(text).marked for text in (" girl", "ing", ".", ' "', "'s", " [")]
    ['girl', '+ing', '.', '␣"', "'s", "␣'['"]
    """
    spaced = text.startswith(" ")
    bare = _visible(text.removeprefix(" "))
    name = f"'{bare}'" if bare in reserved or SPECIAL.intersection(bare) else bare
    if bare[:1].isalnum():
        return _Name(name, name if spaced else f"+{name}", spaced)
    return _Name(name or "␣", f"␣{name}" if spaced else name, spaced)


def _visible(text: str) -> str:
    """White space as signs."""
    for character, sign in {"\n": "\\n", "\t": "\\t", "\r": "\\r", " ": "␣"}.items():
        text = text.replace(character, sign)
    return text

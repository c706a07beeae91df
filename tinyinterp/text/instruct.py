"""The format of TinyStoriesInstruct: an instruction, then the story.

    Words: quit, oak, gloomy
    Features: Dialogue, BadEnding
    Summary: Two children climb a tree, and one of them is cold.
    Random sentence: It was cold and dark.
    Story:
    One day, ...

Every field may be missing, and :func:`parse` takes them in any order. :func:`prompt` always writes
the form above, so that a prompt looks like the training text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinyinterp.errors import ConfigError, CorpusError

STORY = re.compile(r"^[ \t]*Story:\s*", re.IGNORECASE | re.MULTILINE)
# The features of the published data.
FEATURES = ("BadEnding", "Conflict", "Dialogue", "Foreshadowing", "MoralValue", "Twist")
FIELD = re.compile(r"[ \t]*(Words|Features|Summary|Random sentence):(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Instruction:
    """What a story must have. Features are free words; the data set's are ``FEATURES``."""

    words: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    summary: str | None = None
    sentence: str | None = None  # that the story must have, word for word

    def __post_init__(self) -> None:
        for name in ("words", "features"):
            for item in getattr(self, name):
                if not item or item != " ".join(item.split()) or "," in item:
                    raise ConfigError(
                        f"{name} hold {item!r}; expected words without commas or line breaks"
                    )
        for name in ("summary", "sentence"):
            value = getattr(self, name)
            if value is not None and (not value or value != " ".join(value.split())):
                raise ConfigError(f"{name} is {value!r}; expected text in one line, or none")


def instruction(
    words: str = "", features: str = "", summary: str = "", sentence: str = ""
) -> Instruction:
    """An instruction from its fields as written: lists with commas, any white space.

    Args:
        words: for the story, such as ``quit, oak``.
        features: such as ``Dialogue, BadEnding``.
        summary: of the story.
        sentence: for the story, word for word.
    """
    lists = [tuple(filter(None, map(_in_line, field.split(",")))) for field in (words, features)]
    return Instruction(lists[0], lists[1], _in_line(summary) or None, _in_line(sentence) or None)


def parse(text: str) -> tuple[Instruction, str]:
    """The instruction of an example, and its story.

    Fields may stand in any order, span several lines, be empty or missing; of one that occurs
    twice, the last counts. The story begins after the first line that starts with ``Story:``.

    Raises:
        CorpusError: there is no ``Story:``, no story after it, or text before the first field.
    """
    marker = STORY.search(text)
    if marker is None:
        raise CorpusError(f"an example has no line 'Story:'; it begins {_beginning(text)}")
    story = text[marker.end() :].rstrip()
    if not story:
        raise CorpusError(f"an example has no story after 'Story:'; it begins {_beginning(text)}")
    fields = dict[str, str]()
    name = None
    for line in text[: marker.start()].splitlines():
        if field := FIELD.match(line):
            name = field.group(1).lower()
            fields[name] = field.group(2)
        elif name is not None:
            fields[name] += "\n" + line
        elif line.strip():
            raise CorpusError(
                f"an example begins {_beginning(line)}; expected one of the fields Words, "
                "Features, Summary, Random sentence or Story"
            )
    asked = instruction(
        fields.get("words", ""),
        fields.get("features", ""),
        fields.get("summary", ""),
        fields.get("random sentence", ""),
    )
    return asked, story


def prompt(asked: Instruction) -> str:
    """The instruction as text, one field a line, that ends in ``Story:`` and a line break."""
    fields = (
        ("Words", ", ".join(asked.words)),
        ("Features", ", ".join(asked.features)),
        ("Summary", asked.summary),
        ("Random sentence", asked.sentence),
    )
    return "".join(f"{name}: {value}\n" for name, value in fields if value) + "Story:\n"


def prompt_length(text: str) -> int | None:
    """Characters of an example before its story's first one; None where no line has ``Story:``."""
    marker = STORY.search(text)
    return None if marker is None else marker.end()


def _in_line(text: str) -> str:
    return " ".join(text.split())


def _beginning(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")

"""The code blocks of the documents, and what their lines call."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "tinyinterp" / "assets" / "model" / "README.md",
]
BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^>]*?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
NOT_RUN = "not run: "  # how a note begins that says why a block is only read


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    note: str  # of the comment before it

    @property
    def name(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"

    @property
    def why_not_run(self) -> str:
        """What a block that is only read says of itself; empty for others."""
        return self.note.removeprefix(NOT_RUN) if self.note.startswith(NOT_RUN) else ""


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page=page.relative_to(ROOT).as_posix(),
            line=text.count("\n", 0, found.start("text")),
            language=found["language"],
            text=found["text"],
            note=found["note"] or "",
        )
        for found in BLOCK.finditer(text)
    ]


def blocks(*languages: str) -> list[Block]:
    """The blocks of all pages in these languages."""
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of each command in a block of a shell, without comments and settings before it.

    In a ``console`` block a command follows ``$``, and other lines are what it prints.
    """
    text = block.text.replace("\\\n", " ").replace("<this repository>", "REPOSITORY")
    for line in text.splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        yield from _apart(words)


def _apart(words: list[str]) -> Iterator[list[str]]:
    """Commands that ``&&`` or a pipe joins."""
    command: list[str] = []
    for word in [*words, "&&"]:
        if word in ("&&", "|", ";"):
            if command:
                yield command
            command = []
        elif command or not re.match(r"^[A-Z_]+=", word):
            command.append(word)

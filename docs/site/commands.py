"""The command reference, made from the programs themselves."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import typer

from tinyinterp.cli.app import app
from train.cli.app import app as training


def command_reference() -> str:
    """Markdown with a section for every command: its help, and a table of what it takes."""
    commands = dict(_commands(typer.main.get_command(app), "tinyinterp"))
    commands |= dict(_commands(typer.main.get_command(training), "tinyinterp train"))
    return "\n".join(_section(name, command) for name, command in commands.items())


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """A command and those below it, by their names; of a hidden one nothing."""
    yield name, command
    for word, inside in getattr(command, "commands", {}).items():
        if not inside.hidden:
            yield from _commands(inside, f"{name} {word}")


def _section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    usage = command.get_usage(context).removeprefix("Usage: ")
    parts = [f"## {name}", f"```text\n{usage}\n```", _prose(command.help or "")]
    records = [p.get_help_record(context) for p in command.get_params(context)]
    rows = [f"| {_code(names)} | {_cell(words)} |" for names, words in filter(None, records)]
    parts.append("\n".join(["| option | what it does |", "| --- | --- |", *rows]))
    if command.epilog:
        parts.append(_prose(command.epilog))
    return "\n\n".join(parts) + "\n"


def _prose(text: str) -> str:
    """Help as paragraphs; ``<`` would begin a tag."""
    text = textwrap.dedent(text).replace("\b\n", "")
    return re.sub(r"(?<!`)<", "&lt;", text)


def _code(names: str) -> str:
    return f"`{names}`" if "|" not in names else _escaped(names)


def _escaped(names: str) -> str:
    """Names with a bar, which would end the cell, also within backticks."""
    return f"<code>{names.replace('<', '&lt;').replace('|', '&#124;')}</code>"


def _cell(words: str) -> str:
    return " ".join(words.split()).replace("<", "&lt;").replace("|", "&#124;").replace("*", "\\*")

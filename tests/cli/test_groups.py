"""Options that come as a dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from tinyinterp.cli.command import Program
from tinyinterp.cli.groups import spread

Width = Annotated[int, typer.Option("--width", min=1, help="Of a layer.")]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A group of options."""

    width: Width = 7
    name: Annotated[str, typer.Option("--name")]


@dataclass(frozen=True, kw_only=True)
class Wider(Shape):
    """The same group with another default."""

    width: Width = 11


heard: list[object] = []


def plain(*, depth: int = 3) -> None:
    """A command without a group."""
    heard.append(depth)


def grouped(*, first: int = 2, shape: Shape, last: int = 5) -> None:
    """A command with one."""
    heard.append((first, shape, last))


def wider(*, shape: Wider) -> None:
    """A command with a derived one."""
    heard.append(shape)


def program() -> Program:
    """The three commands."""
    made = Program()
    for command in (plain, grouped, wider):
        assert made.command()(command) is command
    return made


def test_a_command_is_given_its_group() -> None:
    run = CliRunner().invoke(program(), ["grouped", "--width", "13", "--name", "a", "--last", "17"])
    assert run.exit_code == 0, run.output
    assert heard.pop() == (2, Shape(width=13, name="a"), 17)


def test_a_derived_group_has_its_own_default() -> None:
    CliRunner().invoke(program(), ["wider", "--name", "a"])
    assert heard.pop() == Wider(width=11, name="a")


def test_a_field_without_a_default_must_be_given_and_its_bounds_hold() -> None:
    refused = CliRunner().invoke(program(), ["grouped"])
    assert refused.exit_code == 2
    assert "--name" in refused.output
    below = CliRunner().invoke(program(), ["grouped", "--name", "a", "--width", "0"])
    assert below.exit_code == 2
    assert not heard


def test_help_lists_the_fields_where_the_group_stands() -> None:
    said = CliRunner().invoke(program(), ["grouped", "--help"]).output
    at = [said.index(option) for option in ("--first", "--width", "--name", "--last")]
    assert at == sorted(at)
    assert "Of a layer." in said
    assert "A command with one." in said


def test_a_command_without_a_group_stays_itself() -> None:
    assert spread(plain) is plain

"""Every command in the documents is one that there is, with options that it has."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from documents import ROOT, Block, blocks, commands

from tinyinterp.cli.app import app, main
from train.cli.app import app as training

SHELL = blocks("console", "sh")
COMMANDS = [(block, words) for block in SHELL for words in commands(block)]
ELSEWHERE = {"cd", "eval", "export", "git", "rm", "source", "tar"}  # programs of others
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
CHEAP = ("--help", "--version")


def named(case: tuple[Block, list[str]]) -> str:
    return f"{case[0].name} {' '.join(case[1])[:60]}"


def idle(application: typer.Typer) -> Any:
    """The parser of a program whose commands do nothing."""

    def replace(command: Any) -> None:
        below = getattr(command, "commands", {})
        for inside in below.values():
            replace(inside)
        if not below:
            command.callback = lambda **_: None

    command = typer.main.get_command(application)
    replace(command)
    return command


PROGRAM, TRAINING = idle(app), idle(training)


def understood(words: list[str]) -> None:
    """Fail unless the words are a command of ours with options that it has.

    Raises:
        AssertionError: they are none, or what a command of another program names is not there.
        Exception: whatever the parser says.
    """
    program, *rest = words
    if program == "tinyinterp" and rest[:1] == ["train"]:
        TRAINING(rest[1:], prog_name="tinyinterp train", standalone_mode=False)
    elif program == "tinyinterp" and rest:  # without a word it shows its help
        PROGRAM(rest, prog_name=program, standalone_mode=False)
    elif program == "make":
        for word in rest:
            assert "=" in word or word in TARGETS, f"the Makefile has no {word}"
    elif program in ("pip", "pipx", "uv"):
        for extras in re.findall(r"\[([\w,]+)\]", " ".join(rest)):
            assert set(extras.split(",")) <= EXTRAS.keys()
    elif program in ("python", "torchrun", ".venv/bin/python") or program.startswith("python3"):
        of_python(rest)
    else:
        known = ELSEWHERE | {"tinyinterp"}
        assert program in known or (ROOT / program).is_file(), f"what is {program}?"


def of_python(words: list[str]) -> None:
    """What ``python`` or ``torchrun`` is asked to run: a module and its words, or a file."""
    if "-m" in words:
        module, *rest = words[words.index("-m") + 1 :]
        if module == "pytest":
            return
        assert importlib.util.find_spec(module) is not None, f"there is no module {module}"
        if module in ("tinyinterp", "train"):
            understood(["tinyinterp", *(["train"] if module == "train" else []), *rest])
    elif words[0] != "-c":
        assert (ROOT / words[0]).is_file(), f"there is no file {words[0]}"


def test_there_are_commands_to_read():
    assert len(COMMANDS) > 80
    assert {block.page for block, _ in COMMANDS} >= {
        "README.md",
        "docs/start.md",
        "docs/training.md",
    }


@pytest.mark.parametrize("case", COMMANDS, ids=named)
def test_a_command_is_understood(case: tuple[Block, list[str]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    understood(case[1])


@pytest.mark.parametrize(
    "words",
    [
        ["tinyinterp", "haeds"],
        ["tinyinterp", "heads", "--no-such-option"],
        ["tinyinterp", "neurons", "--top", "many"],
        ["tinyinterp", "train", "rum"],
        ["make", "nothing"],
        ["python", "analyses/nothing.py"],
        ["python", "-m", "analyses.nothing"],
        ["pip", "install", "tinyinterp[nothing]"],
        ["nothing"],
    ],
)
def test_what_is_no_command_is_found(words: list[str]):
    with pytest.raises(Exception, match=r".") as found:
        understood(words)
    assert found.type.__name__ in ("AssertionError", "BadParameter", "NoSuchOption", "UsageError")


CHEAP_ONES = [case for case in COMMANDS if case[1][0] == "tinyinterp" and case[1][-1] in CHEAP]


@pytest.mark.usefixtures("unchecked")  # the parser of commands has types of its own
@pytest.mark.parametrize("case", CHEAP_ONES, ids=named)
def test_a_cheap_command_runs(
    case: tuple[Block, list[str]],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(case[1][1:])
    assert not ended.value.code
    assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import logging
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from outcome import Run

from tinyinterp import __version__
from tinyinterp.cli import main, program
from tinyinterp.cli import version as of_version
from tinyinterp.cli.app import COMPLETE

SLOW_LIBRARIES = {"torch", "transformer_lens", "transformers", "numpy", "matplotlib", "pandas"}


@pytest.mark.parametrize("code", ["import tinyinterp", "from tinyinterp.cli import main; main({})"])
def test_help_imports_nothing_slow(code: str):
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules if '.' not in m)))\n"
        + code.format('["--help"]')
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    *shown, modules = done.stdout.splitlines()
    assert "tinyinterp" in modules.split()
    assert SLOW_LIBRARIES & set(modules.split()) == set()
    assert not shown or shown[0].startswith("Usage: tinyinterp")


def test_help_names_every_command(run: Run):
    outcome = run("--help")
    assert outcome.code == 0
    named = re.findall(r"^  ([a-z]+)  +\S", outcome.out, re.MULTILINE)
    commands = (
        "heads neurons account atlas explore generate compare info taggers train lab evaluate"
    )
    assert named == commands.split()


@pytest.mark.parametrize("command", [["heads"], ["neurons"], ["atlas"], ["evaluate", "loss"]])
def test_every_command_that_reads_stories_can_keep_blank_lines(run: Run, command: list[str]):
    described = run(*command, "--help").out
    assert "--text" in described
    assert "--keep-blank-lines" in described


def test_version(run: Run):
    outcome = run("--version")
    assert (outcome.code, outcome.err) == (0, "")
    first, *rest = outcome.out.splitlines()
    assert first == f"tinyinterp {__version__}"
    said = dict(line.split(" ", 1) for line in rest)
    assert list(said)[:4] == ["Python", "platform", "processor", "device"]
    assert said["Python"].startswith(platform.python_version())
    for package in ("torch", "transformer_lens", "transformers", "numpy", "numba", "dcor"):
        assert said[package] == version(package)


def test_the_version_imports_nothing_slow():
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules if '.' not in m)))\n"
        "from tinyinterp.cli import main; main(['--version'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert SLOW_LIBRARIES & set(done.stdout.splitlines()[-1].split()) == set()


def test_a_package_that_is_not_installed_is_said_to_be_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(of_version, "PACKAGES", ("no_such_package",))
    assert run("--version").out.splitlines()[-1] == "no_such_package is not installed"


def test_a_machine_that_lists_no_processors_still_has_a_version(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(of_version, "PROCESSORS", tmp_path / "nothing")
    outcome = run("--version")
    assert outcome.code == 0
    assert f"processor {platform.machine()}, " in outcome.out


@pytest.mark.parametrize(
    ("words", "at", "completed"),
    [("tinyinterp heads --ru", 2, "--rule"), ("tinyinterp ta", 1, "taggers")],
)
def test_a_shell_is_told_what_may_follow(words: str, at: int, completed: str):
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(at), COMPLETE: "complete_bash"}
    script = "from tinyinterp.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [completed]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_ask(shell: str):
    done = subprocess.run(
        [sys.executable, "-c", "from tinyinterp.cli import main; main()"],
        env=os.environ | {COMPLETE: f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tinyinterp" in done.stdout


def test_a_reader_that_leaves_early_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "tinyinterp", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


def test_a_mistake_of_ours_is_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("several\nlines")

    monkeypatch.setattr("tinyinterp.model.load_any", fail)
    run("info").refused("unexpected RuntimeError: several lines; .*--debug")
    for words in (["--debug", "info"], ["info", "--debug"]):
        with pytest.raises(RuntimeError):
            main(words)


def test_debug_shows_what_is_decided_by_itself(capsys: pytest.CaptureFixture[str]):
    def decide() -> None:
        logging.getLogger("tinyinterp.network.packed").debug("1.25 times")

    app = typer.Typer()
    app.command()(decide)
    for words, shown in (([], ""), (["--debug"], "debug: 1.25 times\n"), ([], "")):
        assert program.run(app, words, name="decide", prefix="decide") == 0
        assert capsys.readouterr().err == shown


def test_debug_after_a_double_dash_is_text(run: Run, ckpt: Path):
    outcome = run("generate", "--ckpt", ckpt, "--max-tokens", 1, "--", "--debug")
    assert outcome.out.startswith("--debug")


def test_an_interrupt_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyinterp.model.load_any", interrupt)
    run("info").refused("interrupted", code=130)


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["heads", "--rule", "guess"],
        ["heads", "--text", "a", "--dataset", "b"],
        ["heads", "--tokens", "3", "--full"],
        ["neurons"],
        ["neurons", "--layer", "-1"],
        ["neurons", "--layer", "one"],
        ["neurons", "--layer", "0,", "--tag", "NOUN"],
        ["neurons", "--layer", "0", "--top", "0"],
        ["neurons", "--layer", "0,1", "--neuron", "3"],
        ["neurons", "--layer", "all", "--neuron", "3"],
        ["neurons", "--layer", "0", "--json", "--jsonl"],
        ["neurons", "--layer", "0", "--ablate", "--reading", "pre"],
        ["generate"],
        ["generate", "Once", "--examples"],
        ["generate", "Once", "--greedy", "--temperature", "1"],
        ["generate", "Once", "--samples", "0"],
        ["evaluate", "loss", "--text", "a", "--dataset", "b"],
        ["taggers"],
        ["info", "--preset", "gptneo-41m", "--ckpt", "b"],
    ],
)
def test_wrong_usage_exits_with_2(run: Run, words: list[str]):
    outcome = run(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Usage: tinyinterp" in outcome.err
    assert "Traceback" not in outcome.err

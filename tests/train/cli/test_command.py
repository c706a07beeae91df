"""The two commands, ``python -m train`` and ``tinyinterp train``, each as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OURS, OUTSIDE = ["-m", "tinyinterp", "train"], ["-m", "train"]
SLOW = {"torch", "numpy", "tokenizers", "transformer_lens", "pandas", "matplotlib"}


def python(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [OURS, OUTSIDE])
def test_help_answers_without_torch(command: list[str]):
    shown = python("-X", "importtime", *command, "--help")
    assert shown.returncode == 0
    assert "prepare" in shown.stdout
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & SLOW


@pytest.mark.parametrize(
    ("command", "name", "prefix"),
    [(OURS, "tinyinterp train", "tinyinterp"), (OUTSIDE, "python -m train", "python -m train")],
)
def test_messages_name_the_command_that_was_typed(
    command: list[str], name: str, prefix: str, tmp_path: Path
):
    assert python(*command, "--help").stdout.startswith(f"Usage: {name} [OPTIONS] COMMAND")
    wrong = python(*command, "run", "--no-such-option")
    assert wrong.returncode == 2
    assert f"Try '{name} run --help'" in wrong.stderr
    failed = python(*command, "run", "tiny", "--data", str(tmp_path / "data"))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"{prefix}: ")
    assert failed.stderr.endswith(f"make it: {name} prepare\n")
    assert failed.stderr.count("\n") == 1


def test_a_train_py_in_the_folder_is_never_run(tmp_path: Path):
    (tmp_path / "train.py").write_text("raise SystemExit('this is another train')", "utf-8")
    shown = python(*OURS, "recipes", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "tinystories-8m" in shown.stdout.split()
    assert "another train" in python(*OUTSIDE, "recipes", folder=tmp_path).stderr


def test_the_module_behind_the_command_is_the_folder_beside_the_package():
    code = "import tinyinterp.train.cli as c, sys; print(c.__file__, 'train' in sys.modules)"
    shown = python("-c", code)
    assert shown.stdout.split() == [str(ROOT / "train" / "cli" / "__init__.py"), "False"]


def test_a_traceback_only_with_debug(tmp_path: Path):
    words = ("run", "tiny", "--data", str(tmp_path / "data"))
    for debugged in (("--debug", *words), (*words, "--debug")):
        assert "Traceback" in python(*OURS, *debugged).stderr

"""What a command does not use, it does not import: that takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from models import tiny_checkpoint
from runs import SIMPLE_STORIES

SLOW = ("torch._dynamo", "sympy", "dcor", "transformer_lens", "transformers", "datasets")
SLOW += ("plotly", "IPython", "wandb", "openai", "circuitsvis")
SLOW += ("scipy.stats", "tinyinterp.model_account.account", "tinyinterp.neuron_census")
NAME_THEM = f"""
import atexit, sys
from tinyinterp.cli import main

atexit.register(lambda: print("slow:", *({set(SLOW)} & sys.modules.keys())))
main(sys.argv[1:])
"""


@pytest.mark.parametrize("command", [["heads", "--quick"], ["generate", "Once"]])
def test_slow_packages_are_left_alone(tmp_path: Path, command: list[str]):
    text = tmp_path / "stories.txt"
    text.write_text("\n<|endoftext|>\n".join(SIMPLE_STORIES), "utf-8")
    words = [*command, "--ckpt", str(tiny_checkpoint(tmp_path / "model").folder)]
    if command[0] == "heads":
        words += ["--text", str(text), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", NAME_THEM, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["slow:"]

"""Commands in several processes: the same files, byte for byte, as from one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint

ROOT = Path(__file__).parents[1]
COMMANDS = {
    "heads": ("heads", "--tokens", "2500", "--no-pictures"),
    "neurons": ("neurons", "--layer", "all", "--tokens", "12000", "--no-nulls"),
    "account": ("account", "--tokens", "2500", "--quick", "--no-pictures"),
}
SCRIPT = """
import sys
from tinyinterp.cli import program
from tinyinterp.cli.app import app
from tinyinterp.neuron_census import checkpointer
from tinyinterp.processes import processes
from test_several import COMMANDS, words_of

ckpt, text, out, interrupted = sys.argv[1:]
codes = []

def run(words):
    codes.append(program.run(app, words, name="tinyinterp", prefix="tinyinterp"))

with processes():
    if interrupted == "yes":
        save = checkpointer.Checkpointer._save
        def stop(self, *given):
            save(self, *given)
            raise KeyboardInterrupt
        checkpointer.SECONDS, checkpointer.MOST_OF_THE_TIME = 0, 1
        checkpointer.Checkpointer._save = stop
        run(words_of("neurons", ckpt, text, out))
        checkpointer.SECONDS = 1e9
        run(words_of("neurons", ckpt, text, out))
    else:
        for name in COMMANDS:
            run(words_of(name, ckpt, text, out))
sys.exit("|".join(map(str, codes)) if any(codes) else 0)
"""


def words_of(name: str, ckpt: str | Path, text: str | Path, out: str | Path) -> list[str]:
    return [*COMMANDS[name], "--ckpt", str(ckpt), "--text", str(text), "--out", f"{out}/{name}"]


def start(*words: object, processes: int) -> subprocess.CompletedProcess[str]:
    """Run Python in one process or, by torchrun, in several, each with one thread."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node", str(processes)]
    path = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
    return subprocess.run(
        [*command, *map(str, words)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("given")
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    texts = [" ".join(random.choice(words, size=int(n))) for n in random.integers(8, 90, 151)]
    (folder / "stories.txt").write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return tiny_checkpoint(folder / "model").folder, folder / "stories.txt"


@pytest.fixture(scope="module")
def alone(given: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    (out / "script.py").write_text(SCRIPT)
    done = start(out / "script.py", *given, out, "no", processes=1)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_processes_write_what_one_does(
    given: tuple[Path, Path], alone: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = start(script, *given, tmp_path / "out", "no", processes=2)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in COMMANDS:
        expected, found = contents(alone / name), contents(tmp_path / "out" / name)
        assert found.keys() == expected.keys()
        assert [file for file in found if found[file] != expected[file]] == []
    assert done.stderr.count("wrote ") == len(COMMANDS)  # rank 0 alone speaks


def test_an_interrupted_census_of_three_processes_resumes(
    given: tuple[Path, Path], alone: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = start(script, *given, tmp_path / "out", "yes", processes=3)
    assert "130|0" in done.stderr, done.stderr[-3000:]  # interrupted, then finished
    assert contents(tmp_path / "out" / "neurons") == contents(alone / "neurons")


def test_a_command_for_one_process_says_so() -> None:
    done = start("-m", "tinyinterp", "info", processes=2)
    assert done.returncode
    assert "'info' runs in one process; torchrun is for heads, neurons, account" in done.stderr

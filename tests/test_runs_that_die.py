"""Killed at any moment, a run leaves whole files or none, and the next one leaves nothing of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from dying import Runs
from models import tiny_checkpoint
from runs import SIMPLE_STORIES

from tinyinterp import checkpoint

# Each command, without its --out.
TRAIN = "model.n_vocab=281 model.n_ctx=64 model.d_model=16 model.n_layers=2 model.n_heads=2"
TRAIN += " data.batch_tokens=256 schedule.steps=6 schedule.warmup=2 run.evaluate_every=2"
COMMANDS = {
    "prepare": "train prepare --text {text} --bpe 281 --holdout 7",
    "train": f"train run tiny {TRAIN} run.save_every=1 --data {{data}}",
    "heads": "heads --quick --ckpt {ckpt} --text {text}",
    "neurons": "neurons --layer 0 --ckpt {ckpt} --text {text}",
    "account": "account --quick --no-pictures --ckpt {ckpt} --text {text}",
    "atlas": "atlas --quick --ckpt {ckpt} --text {text}",
}
KILLS_IN_THE_LONG_TEST = 9  # of each command
TIMED = {"log.jsonl", "training.json", "state.safetensors", "loss.png"}  # hold seconds


class Place:
    """A folder in which commands run, each in processes that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.scratch = folder / "work", folder / "temporary"
        self.folder.mkdir()
        self.scratch.mkdir()
        (folder / "stories.txt").write_text("\n<|endoftext|>\n".join(SIMPLE_STORIES), "utf-8")
        self.names = {
            "text": folder / "stories.txt",
            "ckpt": tiny_checkpoint(folder / "model").folder,
            "data": folder / "data",
        }
        self.runs = Runs(self.folder, self.scratch)
        done = self.runs.run([*self._words("prepare"), "--out", str(folder / "data")])
        assert done.code == 0, done.err

    def _words(self, command: str) -> list[str]:
        return COMMANDS[command].format(**self.names).split()

    def words(self, command: str, out: str) -> list[str]:
        return [*self._words(command), "--out", str(self.folder / out)]

    def whole(self, command: str) -> tuple[dict[str, bytes], int]:
        """What an undisturbed run writes, and how often it changes a file."""
        ended = self.runs.run(self.words(command, f"{command}-whole"))
        assert ended.code == 0, ended.err
        return contents(self.folder / f"{command}-whole"), ended.changes

    def leftovers(self) -> list[str]:
        found = [*self.folder.rglob(".*"), *self.scratch.iterdir()]
        return sorted(str(path) for path in found)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("dying"))
    yield made
    made.runs.close()


def contents(folder: Path) -> dict[str, bytes]:
    """The files that somebody sees, and their bytes; none of those that hold seconds."""
    found = {}
    for path in folder.rglob("*") if folder.is_dir() else ():
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found[name.as_posix()] = b"" if path.name in TIMED else path.read_bytes()
    return found


def kill_and_look(place: Place, command: str, kills: int, seed: int) -> None:
    whole, changes = place.whole(command)
    assert changes > 1
    moments, out = random.Random(f"{command} {seed}"), f"{command}-killed-{seed}"
    killed = 0
    for attempt in range(9 * kills):  # a run that resumes may end before the moment comes
        ended = place.runs.run(place.words(command, out), kill_at=moments.randint(1, changes))
        assert ended.was_killed or ended.code == 0, ended.err
        killed += ended.was_killed
        found = contents(place.folder / out)
        if command == "train":
            for name in found:
                if name.endswith(checkpoint.WEIGHTS):
                    checkpoint.load((place.folder / out / name).parent)
        else:
            assert found.items() <= whole.items()
        if killed == kills:
            break
        if not ended.was_killed:
            assert found == whole
            out = f"{command}-killed-{seed}-{attempt}"  # what is whole leaves little to kill
    assert killed == kills
    ended = place.runs.run(place.words(command, out))
    assert ended.code == 0, ended.err
    assert contents(place.folder / out) == whole
    assert place.leftovers() == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_was_killed_leaves_nothing_and_ends_the_same(place: Place, command: str):
    kill_and_look(place, command, kills=1, seed=0)


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_runs_that_are_killed_again_and_again(place: Place, command: str):
    kill_and_look(place, command, KILLS_IN_THE_LONG_TEST, seed=1)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_said_and_loses_nothing(place: Place, command: str):
    whole, _ = place.whole(command)
    longest = max(len(content) for content in whole.values())
    ended = place.runs.run(place.words(command, f"{command}-full"), most=longest // 2)
    assert ended.code == 1
    assert ended.err.count("\n") == 1 or command in ended.err
    assert "File too large" in ended.err
    assert "unexpected" not in ended.err
    assert contents(place.folder / f"{command}-full").items() <= whole.items()
    ended = place.runs.run(place.words(command, f"{command}-whole"), most=longest // 2)
    assert contents(place.folder / f"{command}-whole") == whole
    assert place.leftovers() == []

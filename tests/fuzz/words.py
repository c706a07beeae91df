"""Words of the command line."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from random import Random

from fuzz.mutations import PATHS
from fuzz.targets import Target

from tinyinterp.cli import program
from tinyinterp.cli.app import app
from train.cli import app as train_app

COMMANDS = [
    ["heads"], ["neurons"], ["account"], ["atlas"], ["generate"], ["info"], ["compare"],
    ["evaluate", "loss"], ["evaluate", "prompts"], ["evaluate", "rouge"], ["evaluate", "judge"],
    ["taggers"], ["train", "prepare"], ["train", "run"], ["train", "plot"], [],
]  # fmt: skip
OPTIONS = [
    "--ckpt", "--text", "--out", "--layer", "--neuron", "--top", "--seed", "--rule", "--tag",
    "--explain", "--separator", "--tokenizer", "--start", "--temperature", "--bpe", "--set",
    "--data", "--over-training", "--json", "--quick", "--wrong", "-", "--", "-x",
]  # fmt: skip
VALUES = [
    *(path for path in PATHS if "\0" not in path), "-1", "0", "99999999999999999999", "nan",
    "1e400", "a b", "🐶", "\x1b[31m", "all", "0,1,", "[[[", "4.3", "a=b", "~nobody/x", "\n",
]  # fmt: skip


def targets(base: Path) -> list[Target]:
    """The command line."""
    folder = base / "words"
    folder.mkdir()
    (folder / "words").write_text("--version")
    return [Target("words of the command line", folder, _run, place=_words)]


def _words(random: Random, folder: Path) -> None:
    words = [*random.choice(COMMANDS)]
    words += [random.choice(random.choice([OPTIONS, VALUES])) for _ in range(random.randint(0, 4))]
    if words[:1] == ["compare"]:
        words = ["compare", *(f"./{word}" for word in words[1:])]  # names are looked for on the hub
    elif words and words[0] not in ("taggers", "train"):
        words = _before_rest(words, ["--ckpt", "./no such model"])  # the last one counts
    (folder / "words").write_text("\0".join(words), "utf-8", "surrogatepass")


def _before_rest(words: list[str], more: list[str]) -> list[str]:
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *more, *words[at:]]


def _run(folder: Path) -> None:
    words = (folder / "words").read_text("utf-8", "surrogatepass").split("\0")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        if words[0] == "train":
            code = program.run(train_app, words[1:], name="train", prefix="train")
        else:
            code = program.run(app, words, name="tinyinterp", prefix="tinyinterp")
    assert code in (0, 1, 2), code
    assert program.REPORT_IT not in err.getvalue(), err.getvalue()[:300]
    assert "Traceback" not in err.getvalue()

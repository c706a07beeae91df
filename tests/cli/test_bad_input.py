from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from models import tiny_checkpoint
from outcome import Run

from tinyinterp import checkpoint

COMMANDS = [
    ["info", "--no-certificate"],
    ["generate", "Once"],
    ["evaluate", "loss"],
    ["heads"],
    ["neurons", "--layer", "1"],
]


def break_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def truncate(folder: Path) -> None:
    path = folder / checkpoint.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


BROKEN: list[tuple[str, Callable[[Path], object]]] = [
    ("truncated", truncate),
    ("only gpt_neo, gpt2", lambda folder: break_config(folder, model_type="mamba")),
    ("compressor", lambda folder: break_config(folder, model_type=checkpoint.COMPRESSOR)),
    ("has shape", lambda folder: break_config(folder, intermediate_size=37)),
    ("no config.json", lambda folder: (folder / "config.json").unlink()),
    ("holds no model.safetensors", lambda folder: (folder / checkpoint.WEIGHTS).unlink()),
    ("holds no tokenizer", lambda folder: (folder / "tokenizer.json").unlink()),
    ("cannot read the tokenizer", lambda f: (f / "tokenizer.json").write_text("{")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(("message", "damage"), BROKEN, ids=[message for message, _ in BROKEN])
def test_a_checkpoint_that_cannot_be_used_is_refused(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    message: str,
    damage: Callable[[Path], object],
):
    monkeypatch.chdir(tmp_path)
    folder = tiny_checkpoint(tmp_path / "model").folder
    damage(folder)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    run(*command, "--ckpt", folder).refused(message)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_checkpoint_that_is_not_there_is_refused(run: Run, tmp_path: Path):
    run("info", "--ckpt", tmp_path / "nowhere").refused("there is no folder .*nowhere")


@pytest.mark.parametrize("command", COMMANDS[2:], ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a file"),
        (b"", "holds no story"),
        (b" \n<|endoftext|>\n ", "holds no story"),
        (b"caf\0", "holds a NUL"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(
    run: Run,
    ckpt: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    content: bytes | None,
    message: str,
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    run(*command, "--ckpt", ckpt, "--text", path).refused(message)
    assert [found.name for found in tmp_path.iterdir()] == (
        [path.name] if content is not None else []
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layer", "3"], "no layer 3; this model has 3, counted from 0 to 2"),
        (["--layer", "0", "--neuron", "31"], "no neuron 31; this model has 31"),
    ],
)
def test_a_layer_or_neuron_that_does_not_exist_is_refused(
    run: Run, ckpt: Path, text: Path, words: list[str], message: str
):
    run("neurons", "--ckpt", ckpt, "--text", text, *words).refused(message)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["heads"], "a context of 1 has no room for a story"),
        (["neurons", "--layer", "1"], "a context of 1 has no room for a story"),
        (["atlas"], "a context of 1 has no room for a story"),
        (["generate", "Once"], "the context holds 1, and at least one must be left"),
    ],
    ids=lambda value: value[0],
)
def test_a_context_of_one_token_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], message: str
):
    monkeypatch.chdir(tmp_path)
    folder = tiny_checkpoint(tmp_path / "model", n_ctx=1).folder
    run(*command, "--ckpt", folder).refused(message)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_with_a_context_of_one_token_the_loss_is_that_of_pairs(
    run: Run, tmp_path: Path, text: Path
):
    folder = tiny_checkpoint(tmp_path / "model", n_ctx=1).folder
    assert run("evaluate", "loss", "--ckpt", folder, "--text", text).code == 0
    assert run("info", "--ckpt", folder).code == 0


@pytest.mark.parametrize("command", COMMANDS[3:], ids=lambda words: words[0])
def test_a_folder_of_somebody_else_is_refused_before_the_work(
    run: Run, ckpt: Path, text: Path, command: list[str]
):
    before = text.read_bytes()
    words = [*command, "--ckpt", ckpt, "--text", text, "--out"]
    run(*words, text.parent).refused("is not empty and was not written by tinyinterp")
    run(*words, text).refused("cannot write in")
    assert list(text.parent.iterdir()) == [text]
    assert text.read_bytes() == before

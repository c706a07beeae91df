from __future__ import annotations

import re

import pytest
from runs import CLEANED_STORIES as CLEANED

from tinyinterp.errors import CorpusError
from tinyinterp.text.tokenizer import Tokenizer
from train.cli import main
from train.data import prepare as preparing


def test_stories_without_instructions_are_refused_where_all_should_have_one(invoke, text, tmp_path):
    arguments = ("prepare", "--out", tmp_path / "data", "--text", text, "--instruct", "--bpe", 307)
    result = invoke(*arguments)
    assert result.code == 1
    assert "none of the 35 examples has an instruction" in result.err
    assert "without --instruct" in result.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("names", [["notes.md"], ["data.json", "notes.md"], ["train.bin"]])
def test_a_folder_with_anything_else_is_never_replaced(invoke, text, tmp_path, names):
    out = tmp_path / "data"
    out.mkdir()
    for name in names:
        (out / name).write_text("mine", "utf-8")
    result = invoke("prepare", "--out", out, "--text", text, "--bpe", 307)
    assert result.code == 1
    assert f"other than prepared data ({names[-1]})" in result.err
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == dict.fromkeys(
        names, "mine"
    )


def test_a_failure_leaves_the_prepared_folder_as_it_was(invoke, text, tmp_path):
    out = tmp_path / "data"
    invoke("prepare", "--out", out, "--text", text, "--bpe", 307)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    Tokenizer.train(CLEANED, 271).save(tmp_path / "model")
    text.write_bytes(text.read_bytes() + b"\0")
    for choice in (("--bpe", 307), ("--tokenizer", tmp_path / "model")):
        result = invoke("prepare", "--out", out, "--text", text, *choice)
        assert result.code == 1
        assert "holds a NUL" in result.err
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model", "stories.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--text", "none.txt", "--bpe", 307), "none.txt is not a file"),
        (("--text", "TEXT", "--bpe", 99), "ask for at least 257"),
        (("--text", "TEXT", "--bpe", 99991), "99991 were asked for"),
        (("--text", "TEXT", "--tokenizer", "none"), "none holds no tokenizer"),
        (
            ("--text", "TEXT", "--bpe", 307, "--holdout", 1),
            "expected 2 or more (one story in this many is held out), or 0",
        ),
        (("--text", "TEXT", "--bpe", 307, "--out", "TEXT"), "is a file; choose another --out"),
    ],
)
def test_what_cannot_be_done_is_one_line(invoke, text, tmp_path, options, message):
    options = [text if option == "TEXT" else option for option in options]
    out = () if "--out" in options else ("--out", tmp_path / "data")
    result = invoke("prepare", *out, *options)
    assert result.code == 1
    *notes, refusal = result.err.splitlines()
    assert message in refusal
    assert all(note.startswith("note: stories.txt: mended") for note in notes)
    assert result.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["stories.txt"]


@pytest.mark.parametrize(
    "options",
    [
        ("--bpe", 307),
        ("--text", "a.txt"),
        ("--text", "a.txt", "--dataset", "b", "--bpe", 307),
        ("--text", "a.txt", "--bpe", 307, "--tokenizer", "c"),
        ("--text", "a.txt", "--reduce", "c"),
        ("--text", "a.txt", "--bpe", 307, "--keep", 5),
        ("--text", "a.txt", "--bpe", 307, "--rest", "pieces"),
        ("--text", "a.txt", "--reduce", "c", "--keep", 307, "--rest", "nothing"),
        ("--text", "a.txt", "--bpe", "many"),
    ],
)
def test_wrong_usage_exits_with_2(invoke, tmp_path, options):
    result = invoke("prepare", "--out", tmp_path / "data", *options)
    assert result.code == 2
    assert "Usage:" in result.err


def test_a_traceback_only_with_debug(invoke, tmp_path):
    arguments = ("prepare", "--out", tmp_path / "data", "--text", "none.txt", "--bpe", 307)
    assert "none.txt is not a file" in invoke(*map(str, arguments)).err
    for debugged in (("--debug", *arguments), (*arguments, "--debug")):
        with pytest.raises(CorpusError, match="is not a file"):
            main([str(argument) for argument in debugged])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RuntimeError("several\nlines"), 1, "unexpected RuntimeError: several lines; .*--debug"),
        (OSError(28, "No space left on device"), 1, "unexpected OSError: .*No space left"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_whatever_goes_wrong_is_one_line(invoke, monkeypatch, tmp_path, error, code, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(preparing, "prepare", fail)
    arguments = ("prepare", "--out", tmp_path / "data", "--text", "a.txt", "--bpe", 307)
    result = invoke(*arguments)
    assert (result.code, result.out) == (code, "")
    assert re.fullmatch(f"python -m train: {line}.*\n", result.err)
    if code == 1:
        with pytest.raises(type(error)):
            main([*map(str, arguments), "--debug"])

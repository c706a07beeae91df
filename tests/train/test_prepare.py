from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tinyinterp.errors import CorpusError
from tinyinterp.text.instruct import parse, prompt
from tinyinterp.text.stories import clean, read_stories
from tinyinterp.text.tokenizer import Tokenizer
from train import prepare as preparing
from train.__main__ import main
from train.tokens import TokenFile, held_out, read_card

STORIES = [
    f"{name} saw {n} {thing}. â€œHow nice!â€ said {name}."
    for n, name in enumerate(("Tim", "Zoë", "Lily", "Ben", "the old bear"))
    for thing in ("dogs", "butterflies", "red balls", "piñatas", "🐢", "little trees", "cats")
]
CLEANED = [clean(story) for story in STORIES]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"{story}\n<|endoftext|>\n" for story in STORIES), "utf-8")
    return path


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str


def invoke(*arguments):
    out, err = StringIO(), StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main([str(argument) for argument in arguments])
    return Result(ended.value.code, out.getvalue(), err.getvalue())


def decoded(folder, split):
    tokenizer, file = Tokenizer.open(folder / "tokenizer"), TokenFile(folder, split)
    windows = [
        file.window(int(start), int(length))
        for start, length in zip(file.starts, file.lengths, strict=True)
    ]
    assert all(window[0] == tokenizer.end_of_text for window in windows)
    return [tokenizer.decode(window[1:].tolist()) for window in windows]


def test_prepared_stories_are_the_cleaned_stories(text, tmp_path):
    out = tmp_path / "data"
    result = invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--holdout", 5, "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads(result.stdout)
    assert decoded(out, "train") == [story for story in CLEANED if not held_out(story, 5)]
    assert decoded(out, "dev") == [story for story in CLEANED if held_out(story, 5)]
    assert card["train"]["stories"] + card["dev"]["stories"] == len(STORIES)
    assert card["dev"]["stories"] > 0
    assert card["train"]["bytes"] == sum(len(s.encode()) for s in decoded(out, "train"))
    assert card["source"] == "stories.txt"
    assert card["n_vocab"] == read_card(out).n_vocab == 307
    n_words = sum(len(story.split()) for story in CLEANED)
    n_tokens = card["train"]["tokens"] + card["dev"]["tokens"]
    assert card["tokens_per_word"] == pytest.approx(n_tokens / n_words, abs=1e-4)


def test_a_second_run_gives_the_same_fingerprint_and_replaces_the_folder(text, tmp_path):
    out = tmp_path / "data"
    arguments = ("prepare", "--out", out, "--text", text, "--json", "--bpe")
    first = json.loads(invoke(*arguments, 307).stdout)
    assert json.loads(invoke(*arguments, 307).stdout) == first
    other = json.loads(invoke(*arguments, 283).stdout)
    assert other["fingerprint"] != first["fingerprint"]
    assert {path.name for path in out.iterdir()} == preparing.WRITTEN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "stories.txt"]


def test_mojibake_can_be_left(text, tmp_path):
    out = tmp_path / "data"
    assert (
        invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--no-clean").exit_code == 0
    )
    assert decoded(out, "train") + decoded(out, "dev") == (
        [s for s in STORIES if not held_out(s, 64)] + [s for s in STORIES if held_out(s, 64)]
    )


def test_without_holdout_every_story_is_for_training(text, tmp_path):
    out = tmp_path / "data"
    invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--holdout", 0)
    assert decoded(out, "train") == CLEANED
    assert len(TokenFile(out, "dev")) == 0


@pytest.mark.parametrize("rest", ["pieces", "unknown"])
def test_a_tokenizer_is_reduced_with_its_coverage(text, tmp_path, rest):
    Tokenizer.train(CLEANED, 337).save(tmp_path / "original")
    keep = {"pieces": 293, "unknown": 37}[rest]
    options = ("--reduce", tmp_path / "original", "--keep", keep, "--rest", rest)
    arguments = ("prepare", "--out", tmp_path / "data", "--text", text, *options)
    result = json.loads(invoke(*arguments, "--json").stdout)
    assert result["n_vocab"] == keep
    rows = {row["n_vocab"]: row for row in result["coverage"]}
    assert set(rows) == {*preparing.COVERED, keep}
    assert rows[10000] == {"n_vocab": 10000, "tokens": 1, "words": 1}
    stories = decoded(tmp_path / "data", "train")
    if rest == "pieces":
        assert stories == [story for story in CLEANED if not held_out(story, 64)]
        assert result["steps"] > 0
    else:
        assert rows[keep]["tokens"] < 1
        assert any("<|unknown|>" in story for story in stories)
        assert np.max(TokenFile(tmp_path / "data", "train").tokens) == keep - 1
    shown = invoke(*arguments).stdout
    assert "share of words" in shown
    assert "100.00%" in shown
    assert ("only as steps" in shown) == (rest == "pieces")


def test_the_tokenizer_of_another_folder_is_taken_as_it_is(text, tmp_path):
    Tokenizer.train(CLEANED[:7], 271).save(tmp_path / "model")
    out = tmp_path / "data"
    result = invoke("prepare", "--out", out, "--text", text, "--tokenizer", tmp_path / "model")
    assert result.exit_code == 0
    kept, given = (folder / "tokenizer.json" for folder in (out / "tokenizer", tmp_path / "model"))
    assert kept.read_bytes() == given.read_bytes()
    assert decoded(out, "train") == [story for story in CLEANED if not held_out(story, 64)]


def test_a_data_set_gives_the_same_tokens_as_a_file(text, tmp_path):
    (tmp_path / "set").mkdir()
    parquet.write_table(pa.table({"text": STORIES}), tmp_path / "set" / "validation.parquet")
    parquet.write_table(pa.table({"story": STORIES}), tmp_path / "stories.parquet")
    sources = (
        ("--text", text),
        ("--text", tmp_path / "stories.parquet"),
        ("--dataset", tmp_path / "set", "--split", "validation"),
    )
    cards = [
        json.loads(
            invoke("prepare", "--out", tmp_path / "data", "--bpe", 307, "--json", *source).stdout
        )
        for source in sources
    ]
    assert cards[0]["fingerprint"] == cards[1]["fingerprint"] == cards[2]["fingerprint"]
    assert cards[2]["source"] == f"{tmp_path / 'set'} (validation)"


def test_examples_are_prepared_in_one_form_and_others_left_out(tmp_path):
    made, mixed, out = tmp_path / "made.txt", tmp_path / "mixed.txt", tmp_path / "data"
    result = invoke("examples", "--count", 37, "--seed", 5, "--out", made)
    assert (result.exit_code, result.stdout) == (0, f"{made}\n")
    examples = list(read_stories(made))
    assert len(examples) == 37
    published = [e.replace("Story:\n", "Story: \n\n") for e in examples]  # as it is on the hub
    mixed.write_text("\n<|endoftext|>\n".join([STORIES[0], *published, "Story:"]), "utf-8")
    arguments = ("prepare", "--out", out, "--text", mixed, "--bpe", 307, "--instruct")
    result = json.loads(invoke(*arguments, "--json").stdout)
    assert (result["instruct"], result["left_out"]) == (True, 2)
    expected = [prompt(asked) + story for asked, story in map(parse, examples)]
    assert decoded(out, "train") == [text for text in expected if not held_out(text, 64)]
    tokenizer, file = Tokenizer.open(out / "tokenizer"), TokenFile(out, "train")
    for start, n in zip(file.starts, file.prompts, strict=True):
        told = tokenizer.decode(file.window(int(start) + 1, int(n) - 1).tolist())
        assert told.endswith("Story:\n")
        assert told == prompt(parse(told + "x")[0])
    shown = invoke(*arguments).stdout
    assert "2 were left out, first: an example has no line 'Story:'" in shown
    plain = invoke("prepare", "--out", out, "--text", made, "--bpe", 307, "--json")
    assert "left_out" not in json.loads(plain.stdout)


def test_stories_without_instructions_are_refused_where_all_should_have_one(text, tmp_path):
    arguments = ("prepare", "--out", tmp_path / "data", "--text", text, "--instruct", "--bpe", 307)
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert "none of the 35 examples has an instruction" in result.stderr
    assert "without --instruct" in result.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("names", [["notes.md"], ["data.json", "notes.md"], ["train.bin"]])
def test_a_folder_with_anything_else_is_never_replaced(text, tmp_path, names):
    out = tmp_path / "data"
    out.mkdir()
    for name in names:
        (out / name).write_text("mine", "utf-8")
    result = invoke("prepare", "--out", out, "--text", text, "--bpe", 307)
    assert result.exit_code == 1
    assert f"other than prepared data ({names[-1]})" in result.stderr
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == dict.fromkeys(
        names, "mine"
    )


def test_a_failure_leaves_the_prepared_folder_as_it_was(text, tmp_path):
    out = tmp_path / "data"
    invoke("prepare", "--out", out, "--text", text, "--bpe", 307)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    Tokenizer.train(CLEANED, 271).save(tmp_path / "model")
    text.write_bytes(text.read_bytes() + b"\xff")
    for choice in (("--bpe", 307), ("--tokenizer", tmp_path / "model")):
        result = invoke("prepare", "--out", out, "--text", text, *choice)
        assert result.exit_code == 1
        assert "is not UTF-8" in result.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model", "stories.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--text", "none.txt", "--bpe", 307), "none.txt is not a file"),
        (("--text", "TEXT", "--bpe", 99), "ask for at least 257"),
        (("--text", "TEXT", "--bpe", 99991), "99991 were asked for"),
        (("--text", "TEXT", "--tokenizer", "none"), "none holds no tokenizer"),
        (("--text", "TEXT", "--bpe", 307, "--holdout", 1), "2 or more, or 0 for none"),
        (("--text", "TEXT", "--bpe", 307, "--out", "TEXT"), "is a file; choose another --out"),
    ],
)
def test_what_cannot_be_done_is_one_line(text, tmp_path, options, message):
    options = [text if option == "TEXT" else option for option in options]
    result = invoke("prepare", "--out", tmp_path / "data", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
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
def test_wrong_usage_exits_with_2(tmp_path, options):
    result = invoke("prepare", "--out", tmp_path / "data", *options)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_a_traceback_only_with_debug(tmp_path):
    arguments = ("prepare", "--out", tmp_path / "data", "--text", "none.txt", "--bpe", 307)
    assert "none.txt is not a file" in invoke(*map(str, arguments)).stderr
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
def test_whatever_goes_wrong_is_one_line(monkeypatch, tmp_path, error, code, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(preparing, "prepare", fail)
    arguments = ("prepare", "--out", tmp_path / "data", "--text", "a.txt", "--bpe", 307)
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert re.fullmatch(f"error: {line}.*\n", result.stderr)
    if code == 1:
        with pytest.raises(type(error)):
            main([*map(str, arguments), "--debug"])


def test_recipes_are_listed_and_curves_drawn(tmp_path):
    assert {"bundled", "gptneo-41m", "tiny"} <= set(invoke("recipes").stdout.split())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text('{"step": 1, "tokens": 7, "loss": 3}\n', "utf-8")
    result = invoke("plot", tmp_path / "run", "--out", tmp_path / "loss.png")
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'loss.png'}\n")
    assert (tmp_path / "loss.png").is_file()


TINY = {
    "model.n_vocab": 307,
    "model.n_ctx": 23,
    "model.d_model": 6,
    "model.n_layers": 2,
    "model.n_heads": 2,
    "schedule.steps": 11,
    "run.precision": '"fp32"',
}


def test_a_recipe_runs_with_overrides_in_both_forms(text, tmp_path):
    data, run = tmp_path / "data", tmp_path / "run"
    invoke("prepare", "--out", data, "--text", text, "--bpe", 307, "--holdout", 5)
    overrides = [f"{key}={value}" for key, value in TINY.items()]
    options = ("--data", data, "--out", run, "--set", overrides[0])
    result = invoke("run", "tiny", *options, *overrides[1:], "--json")
    assert result.exit_code == 0, result.stderr
    outcome = json.loads(result.stdout)
    assert (outcome["run"], outcome["step"], outcome["finished"]) == (str(run), 11, True)
    assert json.loads((run / "training.json").read_text("utf-8"))["step"] == 11
    again = invoke("run", "tiny", *options, *overrides[1:])
    assert again.stdout == (
        f"{run}: step 11, best held-out loss {outcome['best_bits_per_byte']:.4f} bits per byte\n"
    )
    wrong = invoke("run", "tiny", *options, "model.widht=3")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("error: recipe tiny: [model] has no key 'widht'")


def test_as_a_command_help_answers_without_torch_and_errors_are_one_line(text, tmp_path):
    def python(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    shown = python("-X", "importtime", "-m", "train", "--help")
    assert shown.returncode == 0
    assert "prepare" in shown.stdout
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"torch", "numpy", "tokenizers", "transformer_lens"}
    failed = python(
        "-m", "train", "prepare", "--out", str(tmp_path), "--text", str(text), "--bpe", "9"
    )
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1

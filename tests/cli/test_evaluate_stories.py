"""``tinyinterp evaluate rouge``, ``judge`` and ``proxies``, from completions on."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from judge_server import Reply, serving
from models import STORIES, tiny_checkpoint
from outcome import Run

from tinyinterp.evaluation.openings import ORIGINAL, Completion, write_completions

KEY = "sk-very-secret-0123456789"
WORDS = ("--max-tokens", 9)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another checkpoint of the same name."""
    return tiny_checkpoint(tmp_path_factory.mktemp("other") / "model", seed=1).folder


@pytest.fixture
def completions(tmp_path: Path) -> Path:
    path = tmp_path / "completions.jsonl"
    write_completions(
        path, [Completion("small", "0.4", n, "Once", f" a dog{n}.", " a cat.") for n in range(3)]
    )
    return path


def test_rouge_of_two_models_and_two_shares(
    run: Run, ckpt: Path, other: Path, text: Path, tmp_path: Path
):
    models = ("--ckpt", ckpt, "--ckpt", other)
    words = ("evaluate", "rouge", *models, "--text", text, *WORDS, "--against", text)
    words = (*words, "--share", "0.4", "--share", "third")
    outcome = run(*words, "--out", tmp_path / "out", "--stories", 2, "--no-pictures")
    assert outcome.code == 0, outcome.err
    assert all(len(line) <= 100 for line in (outcome.out + outcome.err).splitlines())
    assert outcome.out.count("original, precision") == 2
    assert outcome.out.count("training stories, F") == 2
    names = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {f"{n}.{s}" for n in ("rouge", "rouge_stories") for s in ("csv", "parquet", "json")}
    assert tables | {"completions.jsonl"} <= names
    assert not {"rouge.png", "rouge.svg"} & names
    lines = (tmp_path / "out" / "completions.jsonl").read_text("utf-8").splitlines()
    done = [json.loads(line) for line in lines]
    assert len(done) == 2 * 2 * 2
    assert {each["model"] for each in done} == {str(ckpt), str(other)}  # both are called model
    assert all(each["prompt"] + each["rest"] == STORIES[each["story"]] for each in done)
    # From the completions that were written, without any model:
    again = run(
        *("evaluate", "rouge", "--completions", tmp_path / "out" / "completions.jsonl"),
        *("--against", text, "--out", tmp_path / "again", "--json", "--no-pictures"),
    )
    content = json.loads(again.out)
    assert content["rows"] == json.loads((tmp_path / "out" / "rouge.json").read_text())["rows"]
    assert {row["model"] for row in content["rows"]} == {str(ckpt), str(other), ORIGINAL}


def test_the_same_command_gives_the_same_bytes(run: Run, ckpt: Path, text: Path, tmp_path: Path):
    for name in ("one", "two"):
        outcome = run(
            *("evaluate", "rouge", "--ckpt", ckpt, "--text", text, *WORDS, "--no-pictures"),
            *("--temperature", 1, "--seed", 3, "--out", tmp_path / name),
        )
        assert "has 3 such stories, not 100" in outcome.err
    for name in ("rouge.csv", "rouge_stories.csv", "completions.jsonl"):
        first = (tmp_path / "one" / name).read_bytes()
        assert first == (tmp_path / "two" / name).read_bytes()


def test_histograms_are_drawn(run: Run, completions: Path, tmp_path: Path):
    words = ("--completions", completions, "--out", tmp_path / "out")
    assert run("evaluate", "rouge", *words).code == 0
    assert (tmp_path / "out" / "rouge.png").is_file()
    assert (tmp_path / "out" / "rouge.svg").is_file()


def test_proxies_stand_beside_the_original_stories(
    run: Run, ckpt: Path, text: Path, tmp_path: Path
):
    outcome = run(
        *("evaluate", "proxies", "--ckpt", ckpt, "--text", text, *WORDS, "--reference", ckpt),
        *("--against", text, "--out", tmp_path / "out"),
    )
    assert outcome.code == 0, outcome.err
    assert "note: these are proxies, not scores" in outcome.err
    assert ORIGINAL in outcome.out
    assert "unclosed quotations" in outcome.out
    assert all(len(line) <= 100 for line in outcome.out.splitlines())
    assert (tmp_path / "out" / "proxies_stories.parquet").is_file()


def test_proxies_are_ranked_beside_scores(run: Run, ckpt: Path, text: Path, tmp_path: Path):
    done = tmp_path / "written.jsonl"
    models = ("a", "b", "c", "d")
    parts = {"share": "0.4", "story": 0, "prompt": "One day, a", "rest": " dog ran away."}
    lines = [
        parts | {"model": model, "continuation": " dog ran to the big red house" + " again" * more}
        for more, model in enumerate(models)
    ]
    done.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    scores = tmp_path / "scores.csv"
    scores.write_text("model,plot\na,4\nb,3\nc,2\nd,1\ne,9\n")
    words = ("evaluate", "proxies", "--completions", done, "--reference", ckpt, "--against", text)
    outcome = run(*words, "--scores", scores, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "note: scored but not measured: e" in outcome.err
    assert re.search(r"words written +0\.4 +plot +-1\.00 +\S+ +4", outcome.out)
    assert (tmp_path / "out" / "agreement.csv").is_file()
    scores.write_text("model,plot\nx,4\n")
    run(*words, "--scores", scores, "--out", tmp_path / "none").refused("name models alike")


def test_the_judge_is_asked_once_and_its_key_is_written_nowhere(
    run: Run, completions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JUDGE_KEY", KEY)
    words = ("evaluate", "judge", "--completions", completions, "--model", "umpire", "--yes")
    words = (*words, "--key-env", "JUDGE_KEY", "--cache", tmp_path / "cache")
    words = (*words, "--price-in", 1, "--price-out", 2, "--out", tmp_path / "out")
    with serving(lambda *_: Reply()) as fake:
        shown = run(*words, "--base-url", fake.url)
        again = run(*words, "--base-url", fake.url, "--json")
    assert shown.code == again.code == 0, shown.err
    assert len(fake.asked) == 6
    assert set(fake.keys) == {KEY}
    assert shown.err.startswith("6 requests to umpire at 127.0.0.1; 0 answers are known\nabout ")
    assert again.err.startswith("0 requests to umpire at 127.0.0.1; 6 answers are known\n")
    assert "4.50 [4.50, 4.50]" in shown.out
    assert json.loads(again.out)["notes"]["tokens_in"] == 0
    first = json.loads((tmp_path / "out" / "judge_stories.json").read_text())
    assert {row["plot"] for row in first["rows"]} == {3}
    assert KEY not in shown.out + shown.err + again.out + again.err
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 12
    assert not any(KEY.encode() in path.read_bytes() for path in written)


def test_nothing_is_sent_without_a_yes(
    run: Run, completions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    words = ("evaluate", "judge", "--completions", completions, "--model", "umpire")
    words = (*words, "--cache", tmp_path / "cache", "--out", tmp_path / "out")
    with serving(lambda *_: Reply()) as fake:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
        outcome = run(*words, "--base-url", fake.url)
        assert outcome.code == 1
        assert outcome.err.splitlines()[-1].startswith("tinyinterp: nothing was sent; give --yes")
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
        assert run(*words, "--base-url", fake.url).code == 0
    assert len(fake.asked) == 6


def test_a_judge_without_a_key_says_what_it_needs_before_any_work(
    run: Run, ckpt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    outcome = run(
        *("evaluate", "judge", "--ckpt", ckpt, "--model", "umpire", "--out", tmp_path / "out")
    )
    outcome.refused("needs a key: set the environment variable OPENAI_API_KEY .*--base-url")
    assert not (tmp_path / "out").exists()


def test_a_judge_without_its_library_names_the_extra(
    run: Run, completions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "openai", None)
    words = ("--completions", completions, "--base-url", "http://localhost:1/v1", "--model", "x")
    outcome = run("evaluate", "judge", *words, "--out", tmp_path / "out")
    outcome.refused(r"openai is not installed; pip install 'tinyinterp\[judge\]'")


@pytest.mark.parametrize(
    "words",
    [
        ("rouge", "--completions", "a", "--ckpt", "b"),
        ("rouge", "--stories", "0"),
        ("rouge", "--text", "a", "--dataset", "b"),
        ("proxies", "--completions", "a", "--ckpt", "b"),
        ("judge",),
        ("judge", "--model", "x", "--price-in", "1"),
    ],
)
def test_wrong_usage_exits_with_2(run: Run, words: tuple[str, ...]):
    outcome = run("evaluate", *words)
    assert outcome.code == 2
    assert outcome.out == ""


@pytest.mark.parametrize("command", ["rouge", "proxies"])
def test_a_share_that_is_none_is_one_line(run: Run, command: str, tmp_path: Path):
    words = ("--share", "most", "--out", tmp_path / "out")
    run("evaluate", command, *words).refused("the share is 'most'; expected a number between")

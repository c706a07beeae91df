from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outcome import Outcome, Run
from planted.patterns import random_words

from tinyinterp.head_census import labels

N_LAYERS, N_HEADS = 3, 2
N_STORIES = 41
TABLES = {f"heads.{suffix}" for suffix in ("csv", "parquet", "json")}
PICTURES = {
    f"patterns/{name}.{suffix}"
    for layer in range(N_LAYERS)
    for name in (f"layer{layer}", *(f"layer{layer}_head{head}" for head in range(N_HEADS)))
    for suffix in ("png", "svg")
}
OVERVIEWS = {f"{name}.{s}" for name in ("kinds", "profiles", "causal") for s in ("png", "svg")}


def files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {"tinyinterp.json"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parts(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n<|endoftext|>\n")


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, known = np.random.default_rng(0), np.array(random_words(40))
    texts = [" ".join(random.choice(known, size=7 - n % 3)) for n in range(N_STORIES)]
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return path


@pytest.fixture
def heads(run: Run, ckpt: Path, stories: Path, tmp_path: Path):
    def call(*words: str | int | Path) -> Outcome:
        out = tmp_path / "heads"
        text = () if "--text" in words else ("--text", stories)
        outcome = run("heads", "--ckpt", ckpt, *text, "--out", out, *words)
        assert outcome.code == 0, outcome.err
        return outcome

    return call


def test_heads_writes_every_file_and_another_run_replaces_them(heads, tmp_path: Path):
    shown = heads()
    folder = tmp_path / "heads"
    everything = TABLES | PICTURES | OVERVIEWS | {"heads.html"}
    assert files(folder) == everything
    assert len(rows(folder / "heads.csv")) == N_LAYERS * N_HEADS
    for name in PICTURES:
        start = (folder / name).read_bytes()[:100]
        assert start.startswith(b"\x89PNG") if name.endswith(".png") else b"<?xml" in start
    assert re.search(r"^kind +heads +share +role$", shown.out, re.MULTILINE)
    assert f"wrote {len(everything)} files in {folder}" in shown.err

    before = (folder / "heads.csv").read_bytes()
    heads("--no-pictures")
    assert files(folder) == TABLES
    assert (folder / "heads.csv").read_bytes() == before

    whole = rows(folder / "heads.csv")
    heads("--no-pictures", "--quick")  # which leaves out the causal checks and nothing else
    measured = {
        f"{check}_{number}"
        for check in ("ablation", "surrogate")
        for number in ("loss_increase", "low", "high")
    }
    shares = {"position_keeps", "position_keeps_low", "position_keeps_high", "causal_check"}
    for quick, row in zip(rows(folder / "heads.csv"), whole, strict=True):
        changed = {name for name in row if quick[name] != row[name]}
        assert measured <= changed <= measured | shares  # a head without effect has no share
        assert quick["ablation_loss_increase"] == quick["surrogate_loss_increase"] == ""


def test_a_head_is_explained_from_the_census_just_taken(heads, tmp_path: Path):
    taken = heads("--explain", "1.0", "--no-pictures")
    folder = tmp_path / "heads"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = heads("--explain", "1.0")
    assert f"from the census in {folder}" in again.err
    assert "wrote" not in again.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    _, _, explained = taken.out.partition("Layer 1, head 0 (local): ")
    assert explained
    assert again.out == f"Layer 1, head 0 (local): {explained}"
    assert max(map(len, again.out.splitlines())) <= 100
    other = heads("--explain", "1.0", "--no-pictures", "--seed", 1)  # another census
    assert "from the census" not in other.err


def test_a_head_is_not_explained_from_the_census_of_another_text(
    heads, stories: Path, tmp_path: Path
):
    text = tmp_path / "again.txt"
    text.write_text(stories.read_text("utf-8"), "utf-8")
    words = ("--text", text, "--explain", "1.0", "--no-pictures", "--quick")
    heads(*words)
    before = json.loads((tmp_path / "heads" / "heads.json").read_text("utf-8"))["notes"]
    assert "from the census" in heads(*words).err
    text.write_text("\n<|endoftext|>\n".join(reversed(parts(text))), "utf-8")
    assert "from the census" not in heads(*words).err
    after = json.loads((tmp_path / "heads" / "heads.json").read_text("utf-8"))["notes"]
    assert {name for name in after if after[name] != before[name]} == {"census", "text_digest"}


def test_a_head_is_not_explained_by_other_thresholds(heads, monkeypatch: pytest.MonkeyPatch):
    words = ("--explain", "1.0", "--no-pictures", "--quick")
    heads(*words)
    monkeypatch.setattr(labels, "THRESHOLDS", replace(labels.THRESHOLDS, tells=0.02))
    assert "from the census" not in heads(*words).err


def test_quick_draws_the_overviews_only(heads, tmp_path: Path):
    shown = heads("--quick", "--format", "pdf")
    names = {f"{name}.{s}" for name in ("kinds", "profiles") for s in ("png", "svg", "pdf")}
    assert files(tmp_path / "heads") == TABLES | names | {"heads.html"}
    assert "quick: " in shown.err
    assert "no causal check" in shown.err


@pytest.mark.parametrize(
    ("head", "message", "code"),
    [
        ("3.0", "there is no layer 3; this model has 3", 1),
        ("0.2", "there is no head 2; this model has 2", 1),
    ],
)
def test_a_head_that_is_not_there_is_refused(run, ckpt, tmp_path, head, message, code):
    run("heads", "--ckpt", ckpt, "--explain", head, "--out", tmp_path / "o").refused(message, code)
    assert not (tmp_path / "o").exists()


def test_what_is_no_head_is_wrong_usage(run, ckpt, tmp_path):
    outcome = run("heads", "--ckpt", ckpt, "--explain", "three", "--out", tmp_path / "o")
    assert outcome.code == 2
    assert "'three' is not a head" in outcome.err


@pytest.mark.parametrize(
    ("rule", "column"),
    [("report", "report_r"), ("distance-correlation", "distance_correlation")],
)
def test_a_rule_decides_by_its_own_number(heads, tmp_path: Path, rule: str, column: str):
    content = json.loads(heads("--rule", rule, "--quick", "--no-pictures", "--json").out)
    folder = tmp_path / "heads"
    assert {Path(path) for path in content["files"]} == {folder / name for name in TABLES}
    assert (content["notes"]["text"], content["notes"]["rule"]) == ("short.txt", rule)
    at = [(row["layer"], row["head"]) for row in content["rows"]]
    assert at == list(np.ndindex(N_LAYERS, N_HEADS))
    for row in content["rows"]:
        assert (row["decided_by"], row["value"]) == (column, row[column])
        by_report = row["kind"] == row["report_label"]
        assert by_report if rule == "report" else row["kind"] in {"positional", "semantic"}
    written = rows(folder / "heads.csv")
    assert [row["kind"] for row in written] == [row["kind"] for row in content["rows"]]

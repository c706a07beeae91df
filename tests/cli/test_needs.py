"""``--account`` of heads and neurons: what is needed, beside the kind, wherever a kind is said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint
from outcome import Outcome, Run

N_LAYERS, N_HEADS, D_MLP = 3, 2, 31


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, words = np.random.default_rng(0), " ".join(STORIES).split()
    texts = (" ".join(random.choice(words, size=int(n))) for n in random.integers(8, 21, 67))
    path = tmp_path_factory.mktemp("text") / "stories.txt"
    path.write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return path


@pytest.fixture
def call(run: Run, ckpt: Path, stories: Path, tmp_path: Path):
    def made(command: str, *words: str | int | Path) -> Outcome:
        out = tmp_path / command
        outcome = run(command, "--ckpt", ckpt, "--text", stories, "--out", out, *words)
        assert outcome.code == 0, outcome.err
        assert "--jsonl" in words or all(len(line) <= 100 for line in outcome.out.splitlines())
        return outcome

    return made


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_heads_and_neurons_say_what_they_need(call, run: Run, tmp_path: Path):
    call("account", "--quick", "--no-pictures")
    account = tmp_path / "account"
    of_heads = {(row["layer"], row["head"]): row for row in rows(account / "account_heads.csv")}

    plain = call("heads", "--explain", "1.0", "--no-pictures")
    assert plain.out.rstrip().endswith("add --account (in Python, account=).")
    from_census = call("heads", "--explain", "1.0", "--account", account)
    assert "from the census" in from_census.err
    assert "(where it looks); " in from_census.out
    assert "in Python, account=" not in from_census.out
    shown = call("heads", "--quick", "--account", account)
    assert "Kind (where heads look) by what the loss needs of them:" in shown.out
    taken = rows(tmp_path / "heads" / "heads.csv")
    assert len(taken) == N_LAYERS * N_HEADS
    for row in taken:
        found = of_heads[row["layer"], row["head"]]
        assert row["needs"] == found["needs"]
        assert row["keeps_tokens_low"] == found["keeps_tokens_low"]
        if row["needs"] not in ("", "context"):
            assert row["keeps"] == found[f"keeps_{row['needs']}"]
    assert "(where it looks); " in (tmp_path / "heads" / "heads.html").read_text("utf-8")

    one = ("--layer", 1, "--neuron", 4, "--no-nulls", "--top", 3)
    assert call("neurons", *one).out.rstrip().endswith("add --account (in Python, account=).")
    again = call("neurons", *one, "--account", account)
    assert "from the census" in again.err
    assert "(what it fires on); " in again.out.splitlines()[1]
    line = json.loads(call("neurons", *one, "--account", account, "--jsonl").out)
    of_neurons = rows(account / "account_neurons.csv")
    needs = [row["needs"] for row in of_neurons if row["layer"] == "1"]
    assert line["needs"] == needs[4]
    ranked = call("neurons", *one[:2], *one[4:], "--tag", "noun", "--account", account, "--jsonl")
    lines = [json.loads(each) for each in ranked.out.splitlines()]
    assert {each["neuron"]: each["needs"] for each in lines} == dict(enumerate(needs))

    other = call("neurons", "--layer", 0, "--no-nulls", "--top", 3, "--account", account)
    assert "Kind (what neurons fire on) by what predicting them needs:" in other.out
    table = rows(tmp_path / "neurons" / "neurons_layer0.csv")
    assert len(table) == D_MLP
    assert [row["needs"] for row in table] == [
        row["needs"] for row in of_neurons if row["layer"] == "0"
    ]
    text = (tmp_path / "neurons" / "top_activations_layer0.txt").read_text("utf-8")
    assert text.count("(what it fires on); ") == D_MLP

    another = tiny_checkpoint(tmp_path / "another", seed=1).folder
    out = tmp_path / "refused"
    words = ("--ckpt", another, "--account", account, "--out", out)
    for command in (("heads",), ("neurons", "--layer", 0)):
        run(*command, *words).refused("is of the model .*, not of .*; make one of this model with")
        assert not out.exists()


def test_an_account_is_not_for_snapshots(run: Run, ckpt: Path, tmp_path: Path):
    outcome = run("heads", "--ckpt", ckpt, "--over-training", "--account", tmp_path)
    assert outcome.code == 2
    assert "--over-training / --account" in outcome.err

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from models import tiny_checkpoint
from planted.head_models import Plan, build, forge_for
from runs import prepare, tiny_recipe

import tinyinterp
from tinyinterp.errors import CheckpointError
from tinyinterp.head_census import HeadSettings, census_heads
from tinyinterp.head_census.formation import find_snapshots, follow_heads, formed_at
from tinyinterp.io.table import Table
from tinyinterp.text.corpus import open_corpus
from train.training.loop import Trainer, snapshot_steps

PLAN = Plan(201, n_heads=3, d_head=29, attention=("global", "local"), n_stories=60)
STEPS = (1, 2, 5, 11, 23)
PREVIOUS, FLICKERING = (0, 0), (1, 2)
SCORES = ("contrast", "position_explained", "previous_token", "induction", "sink")


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run by hand: 0.0 looks at the token before from step 5 on, 1.2 at steps 2, 11 and 23."""
    forge, run = forge_for(PLAN), tmp_path_factory.mktemp("planted") / "run"
    for step in STEPS:
        first = forge.offset(1) if step >= 5 else forge.uniform()
        second = forge.offset(1) if step in (2, 11, 23) else forge.uniform()
        heads = [[first, forge.sink(), forge.uniform()], [forge.uniform(), forge.uniform(), second]]
        folders = [run / "snapshots" / f"step-{step}"] + [run] * (step == STEPS[-1])
        for folder in folders:
            built = build(folder, PLAN, heads, forge=forge)
            (folder / "training.json").write_text(json.dumps({"step": step}))
    model = tinyinterp.load(run)
    return follow_heads(model, find_snapshots(model), built.corpus), model, built.corpus


def test_a_planted_head_forms_at_its_step(planted):
    table, _, _ = planted
    assert len(table) == len(STEPS) * 2 * 3
    over_steps = {step: table.row(step=step, layer=PREVIOUS[0], head=PREVIOUS[1]) for step in STEPS}
    for step, row in over_steps.items():
        planted_yet = step >= 5
        assert (row["previous_token"] > 0.95) == planted_yet
        assert (row["kind"], row["role"]) == (
            ("positional", "previous-token") if planted_yet else ("diffuse", "")
        )
        assert row["nearest"] == row["kind"]
    formed = formed_at(table)
    assert formed[PREVIOUS] == 5
    assert formed[FLICKERING] == 11  # not 2: what it had then it did not keep
    assert formed[0, 1] == formed[1, 0] == 1  # the sink, and a head that is uniform to the end
    assert len(formed) == 6


def test_the_last_step_is_what_the_census_measures(planted):
    table, model, corpus = planted
    census = census_heads(model, corpus, HeadSettings(causal=False))
    for row in census.table:
        last = table.row(step=STEPS[-1], layer=row["layer"], head=row["head"])
        for name in ("kind", "decided_by", "value", "low", "high", *SCORES):
            same = last[name] == row[name]
            assert same or (math.isnan(last[name]) and math.isnan(row[name])), name


def test_a_second_run_gives_the_same_bytes(planted, tmp_path):
    table, model, corpus = planted
    again = follow_heads(model, find_snapshots(model), corpus)
    for path, other in zip(table.write(tmp_path / "a"), again.write(tmp_path / "b"), strict=True):
        assert path.read_bytes() == other.read_bytes()


def row(step: int, nearest: str, decided_by: str = "x", kind: str = "") -> dict[str, object]:
    return {
        "step": step,
        "layer": 0,
        "head": 0,
        "kind": kind or nearest,
        "nearest": nearest,
        "decided_by": decided_by,
    }


@pytest.mark.parametrize(
    ("rows", "formed"),
    [
        ([row(1, "sink")], {(0, 0): 1}),
        ([row(1, "sink"), row(2, "diffuse"), row(4, "sink")], {(0, 0): 4}),
        # A step at which the interval crosses a threshold does not interrupt, but does not end.
        (
            [row(1, "mixed"), row(2, "sink", kind="undetermined"), row(4, "sink")],
            {(0, 0): 2},
        ),
        ([row(1, "sink"), row(2, "sink", kind="undetermined")], {}),
        # Semantic by another test is another thing.
        (
            [row(1, "semantic", "duplicate_token"), row(2, "semantic", "induction")],
            {(0, 0): 2},
        ),
    ],
)
def test_a_head_forms_where_its_last_label_begins(rows, formed):
    assert formed_at(Table("formation", rows)) == formed


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    prepare(folder / "data")
    Trainer(tiny_recipe(), folder / "data", folder / "run").run()
    return folder / "run"


def test_the_snapshots_of_a_run_are_found_and_measured(trained):
    model = tinyinterp.load(trained)
    snapshots = find_snapshots(model)
    steps = sorted(snapshot_steps(13))
    assert [snapshot.step for snapshot in snapshots] == steps
    assert snapshots[-1].folder == trained
    corpus = open_corpus(model.tokenizer, model.config.n_ctx, max_tokens=700)
    table = follow_heads(model, snapshots, corpus)
    assert [(r["step"], r["layer"], r["head"]) for r in table] == [
        (step, layer, head) for step in steps for layer in (0, 1) for head in (0, 1)
    ]
    assert table.notes["steps"] == steps
    assert any("sequences to report on" in warning for warning in table.notes["warnings"])
    assert len({r["contrast"] for r in table if (r["layer"], r["head"]) == (0, 0)}) == len(steps)


def test_a_run_that_was_stopped_has_its_last_weights_between_the_snapshots(tmp_path):
    run = tiny_checkpoint(tmp_path / "run").folder  # of step 3
    for step in (1, 4):
        tiny_checkpoint(run / "snapshots" / f"step-{step}")
    (run / "snapshots" / "notes").mkdir()
    found = find_snapshots(tinyinterp.load(run))
    assert [(s.step, s.folder) for s in found] == [
        (1, run / "snapshots" / "step-1"),
        (3, run),
        (4, run / "snapshots" / "step-4"),
    ]


def test_what_cannot_be_followed_is_refused(tmp_path):
    run = tiny_checkpoint(tmp_path / "run").folder
    with pytest.raises(CheckpointError, match="run has no snapshots of its training"):
        find_snapshots(tinyinterp.load(run))
    snapshot = run / "snapshots" / "step-2"
    snapshot.mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        find_snapshots(tinyinterp.load(run))
    tiny_checkpoint(snapshot, d_mlp=37)
    with pytest.raises(CheckpointError, match="step-2 is of another shape"):
        find_snapshots(tinyinterp.load(run))
    tiny_checkpoint(snapshot)
    (run / "training.json").write_text("{}")
    with pytest.raises(CheckpointError, match="does not say at which step"):
        find_snapshots(tinyinterp.load(run))

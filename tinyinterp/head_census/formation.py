"""When heads form: the scores of every head over the snapshots of a training run.

Each snapshot is measured on the same text by the passes of the census, without null models, causal
checks and what heads look at. A head has *formed* at the first step from which on the test that
decides its kind at the end decides it every time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinyinterp import checkpoint
from tinyinterp.errors import CheckpointError
from tinyinterp.head_census import labels
from tinyinterp.head_census.labels import KIND, UNDETERMINED, Decision
from tinyinterp.head_census.measure import Measured, measure
from tinyinterp.head_census.notes import warnings_about
from tinyinterp.head_census.rows import label_of, scores
from tinyinterp.io import hub
from tinyinterp.io.progress import progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.text.corpus import Corpus

SNAPSHOTS = "snapshots"  # in the folder of a run
SNAPSHOT = re.compile(r"step-(\d+)")
ABOUT_TWICE = 1.9  # 512 and 1,000 are neighbours among Pythia's


@dataclass(frozen=True)
class Snapshot:
    """The weights of a run at one step."""

    step: int
    folder: Path


@dataclass(frozen=True)
class FormationRow:
    """One head at one step; the columns of the formation table."""

    step: int
    layer: int
    head: int
    attention: str
    kind: str
    role: str
    nearest: str  # the kind whatever the interval: ``kind``, but never undetermined
    decided_by: str
    value: float
    low: float
    high: float
    contrast: float
    position_explained: float
    place_explained: float
    previous_token: float
    current_token: float
    induction: float
    duplicate_token: float
    sink: float


def find_snapshots(model: Model) -> list[Snapshot]:
    """The snapshots that lie beside a run's checkpoint, and the checkpoint itself, by step.

    Raises:
        CheckpointError: there are none, they are of another model, or the checkpoint does not say
            at which step it was written.
    """
    folder = model.folder
    beside = folder / SNAPSHOTS
    found = {
        int(match[1]): path
        for path in (beside.iterdir() if beside.is_dir() else ())
        if (match := SNAPSHOT.fullmatch(path.name)) and path.is_dir()
    }
    if not found:
        raise CheckpointError(
            f"{model.name} has no snapshots of its training (looked for {SNAPSHOTS}/step-N in "
            f"{folder}); give the folder of a run of 'tinyinterp train run'"
        )
    _check_shapes(model, found)
    step = model.checkpoint.training.get("step")
    if not isinstance(step, int):
        raise CheckpointError(
            f"{folder}/training.json does not say at which step the model was written; expected "
            "a whole number named step"
        )
    return [Snapshot(*item) for item in sorted((found | {step: folder}).items())]


def hub_steps(name: str) -> list[int]:
    """The steps at which a model of the hub is followed: of its revisions ``step0``, ``step1``, ….

    Raises:
        CheckpointError: the hub has none.
    """
    steps = hub.training_steps(name)
    if not steps:
        raise CheckpointError(
            f"{name} has no snapshots of its training on the hub (looked for revisions such as "
            "step1000); give a model that has them, or the folder of a run of 'tinyinterp train "
            "run'"
        )
    return spread(steps)


def hub_snapshots(model: Model, name: str, steps: Sequence[int]) -> list[Snapshot]:
    """The snapshots of a model of the hub at these steps, which are fetched.

    Raises:
        CheckpointError: one is of another shape, or cannot be fetched.
    """
    found = {step: hub.download_step(name, step) for step in steps}
    _check_shapes(model, found)
    return [Snapshot(*item) for item in found.items()]


def spread(steps: Sequence[int]) -> list[int]:
    """The first, each that is about twice as late as the one before, and the last.

    >>> spread([0, 1, 2, 4, 512, 1000, 2000, 3000, 4000, 5000])
    [0, 1, 2, 4, 512, 1000, 2000, 4000, 5000]
    """
    chosen = [steps[0]]
    for step in steps[1:]:
        if step >= ABOUT_TWICE * chosen[-1] or step == steps[-1]:
            chosen.append(step)
    return chosen


def _check_shapes(model: Model, folders: Mapping[int, Path]) -> None:
    for path in folders.values():
        if checkpoint.read_config(path) != model.config:
            raise CheckpointError(f"{path} is of another shape than {model.folder}; move it away")


def follow_heads(
    model: Model,
    snapshots: Sequence[Snapshot],
    corpus: Corpus,
    *,
    seed: int = 0,
) -> Table:
    """Scores and kinds of every head at every snapshot: a :class:`FormationRow` each.

    One snapshot is held at a time.

    Raises:
        CheckpointError: a snapshot cannot be read.
    """
    survey = corpus.survey()
    rows: list[FormationRow] = []
    warnings: list[str] = []
    with progress("heads over training", len(snapshots) * survey.tokens) as bar:
        for snapshot in snapshots:
            opened = checkpoint.load(snapshot.folder, tokenizer=model.tokenizer.folder)
            decoder = opened.decoder.to(model.device)
            measured = measure(
                decoder,
                decoder.config,
                corpus,
                seed=seed,
                with_looks_at=False,
                report=bar,
            )
            rows += _rows(snapshot.step, model, measured, seed)
            warnings = warnings_about(model.config, measured)  # of the text: always the same
    notes = {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "text": corpus.name,
        "blank_lines": corpus.blank_lines,
        "tokens": survey.tokens,
        "sequences": survey.sequences,
        "test_sequences": survey.test_sequences,
        "steps": [snapshot.step for snapshot in snapshots],
        "seed": seed,
        "warnings": warnings,
    }
    return Table("formation", rows, notes=notes)


def formed_at(table: Table) -> dict[tuple[int, int], int]:
    """The step at which each head formed; heads that are undetermined at the end are left out.

    Args:
        table: of :func:`follow_heads`.
    """
    by_head: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in table:
        by_head.setdefault((row["layer"], row["head"]), []).append(row)
    formed = {}
    for at, over_steps in by_head.items():
        *_, last = over_steps
        if last["kind"] == UNDETERMINED:
            continue
        for row in reversed(over_steps):
            if any(row[name] != last[name] for name in ("nearest", "decided_by")):
                break
            formed[at] = row["step"]
    return formed


def _rows(step: int, model: Model, measured: Measured, seed: int) -> list[FormationRow]:
    tests = labels.decide(measured.estimates.point)
    rows = []
    for layer, head in np.ndindex(tests.shape):
        test = Decision(int(tests[layer, head]))
        rows.append(
            FormationRow(
                step=step,
                layer=layer,
                head=head,
                attention=model.config.attention[layer],
                nearest=KIND[test],
                **label_of(test, (layer, head), measured, seed),
                **scores(measured.estimates, (layer, head)),
            )
        )
    return rows

"""What must hold before a run may start or go on: a folder, data and a recipe that fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinyinterp.checkpoint import WEIGHTS
from tinyinterp.errors import TrainingError
from train import resume
from train.recipe import Recipe
from train.tokens import DataCard
from train.tracking import LOG

# What lies in the folder of a run beside its checkpoint, its state and its log.
BEST, SNAPSHOTS, PICTURE = "best", "snapshots", "loss.png"
KEPT_TABLES = ("model", "data", "objective", "optimizer")  # of a recipe, all through a run


def refuse_unfitting(recipe: Recipe, card: DataCard, data: Path) -> None:
    """See that the recipe's model and objective can use the data.

    Raises:
        TrainingError: the data were made for another vocabulary, or have no instructions where
            those are to be left out of the loss.
    """
    if card.n_vocab != recipe.model.n_vocab:
        raise TrainingError(
            f"{data} was prepared with {card.n_vocab} tokens, recipe {recipe.name} has "
            f"model.n_vocab {recipe.model.n_vocab}; prepare it again or override the recipe"
        )


def refuse_other(run: Path, numbers: Mapping[str, Any], recipe: Recipe, fingerprint: str) -> None:
    """See that ``run`` was begun with this recipe on these data; only its length may change.

    Raises:
        TrainingError: it was not.
    """
    if numbers["data"] != fingerprint:
        raise TrainingError(
            f"{run} was begun on other data, or on the same text under another tokenizer; choose "
            "another --out"
        )
    now = json.loads(json.dumps(recipe.as_dict()))
    for table in KEPT_TABLES:
        if numbers["recipe"].get(table, now[table]) != now[table]:
            raise TrainingError(
                f"{run} was begun with another [{table}]; choose another --out "
                "(only [schedule] and [run] may change between runs)"
            )
    before = numbers["recipe"]["run"].get("seed")
    if before != recipe.run.seed:
        raise TrainingError(
            f"{run} was begun with run.seed {before}, now it is {recipe.run.seed}; choose another "
            "--out"
        )


def refuse_foreign(run: Path) -> None:
    """Let a folder without a state be begun anew only if nothing in it can be lost.

    It may hold what a run leaves that was killed before its first save, or in the midst of it.

    Raises:
        TrainingError: the folder holds anything else.
    """
    names = {path.name for path in run.iterdir()} if run.is_dir() else set[str]()
    if WEIGHTS in names:
        raise TrainingError(
            f"{run} holds a checkpoint but nothing to resume from; choose another --out"
        )
    left = {LOG, BEST, SNAPSHOTS, PICTURE, resume.FOLDER, "tensorboard", "wandb"}
    foreign = sorted(n for n in names - left if not resume.is_leftover(n))
    if foreign:
        raise TrainingError(
            f"{run} is not empty and holds no run to resume (it holds {foreign[0]}); "
            "choose another --out, or empty this one"
        )

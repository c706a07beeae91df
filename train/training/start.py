"""What must hold before a run may start or resume: a folder, data and a recipe that fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinyinterp.checkpoint import WEIGHTS
from tinyinterp.errors import TrainingError
from tinyinterp.io import lock
from tinyinterp.text.tokenizer import Tokenizer

from ..data.tokens import DataCard, tokenizer_hash
from . import resume
from .recipe import Recipe
from .resume import Numbers
from .tracking import LOG

# What the folder of a run holds beside its checkpoint, its state and its log.
BEST, SNAPSHOTS, PICTURE = "best", "snapshots", "loss.png"
KEPT_TABLES = ("model", "data", "objective", "optimizer")  # of a recipe, all through a run


def refuse_unfitting(recipe: Recipe, card: DataCard, tokenizer: Tokenizer, data: Path) -> None:
    """See that the recipe's model and objective can use the data.

    Raises:
        TrainingError: the data were made for another vocabulary or with another tokenizer than lies
            beside them, have no instructions where those are to be left out of the loss, or unknown
            tokens where sentences are to be shuffled.
    """
    if tokenizer_hash(data / "tokenizer") != card.tokenizer:
        raise TrainingError(
            f"{data / 'tokenizer'} is not the tokenizer that the tokens of {data} were made with; "
            "prepare them again"
        )
    if card.n_vocab != recipe.model.n_vocab:
        raise TrainingError(
            f"{data} was prepared with {card.n_vocab} tokens, recipe {recipe.name} has "
            f"model.n_vocab {recipe.model.n_vocab}; give --set model.n_vocab={card.n_vocab}, or "
            "prepare it again"
        )
    if recipe.objective.name == "contrastive" and tokenizer.unknown_from is not None:
        raise TrainingError(
            f"{data} was prepared with an unknown token, so its sentences cannot be decoded and "
            "shuffled; prepare it with --rest pieces for the contrastive objective"
        )
    if recipe.data.loss == "story" and not card.instruct:
        raise TrainingError(
            f"{data} holds stories without instructions, recipe {recipe.name} has data.loss "
            "story; prepare it again with --instruct, or set data.loss=all"
        )


def refuse_other(run: Path, numbers: Numbers, recipe: Recipe, now: Mapping[str, Any]) -> None:
    """See that ``run`` was begun with this recipe on these data; only its length may change.

    Args:
        numbers: of its state.
        now: what they must agree with: ``data``, the fingerprint, and ``micro_batches`` of a step,
            which accumulation and processes may divide differently.

    Raises:
        TrainingError: it was begun with another.
    """
    if numbers.data != now["data"]:
        raise TrainingError(
            f"{run} was begun on other data, or on the same text under another tokenizer; choose "
            "another --out"
        )
    if numbers.micro_batches != now["micro_batches"]:
        raise TrainingError(
            f"{run} was begun with {numbers.micro_batches} micro-batches a step, now there are "
            f"{now['micro_batches']}; choose data.accumulation so that it and the number of "
            "processes give as many as before"
        )
    tables = json.loads(json.dumps(recipe.as_dict()))  # tuples as lists
    free = {"accumulation": 0}
    for table in KEPT_TABLES:
        before, after = numbers.recipe.get(table), tables[table]
        if not isinstance(before, dict) or {**before, **free} != {**after, **free}:
            raise TrainingError(
                f"{run} was begun with another [{table}]; choose another --out "
                "(between runs only [schedule] and [run] may change, except run.seed)"
            )
    settings = numbers.recipe.get("run")
    seed = settings.get("seed") if isinstance(settings, dict) else None
    if seed != recipe.run.seed:
        raise TrainingError(
            f"{run} was begun with run.seed {seed}, now it is {recipe.run.seed}; choose another "
            "--out"
        )


def refuse_foreign(run: Path) -> None:
    """Let a run begin in a folder without a state only if nothing in it can be lost.

    It may hold what a run leaves that was killed before or during its first save.

    Raises:
        TrainingError: the folder holds anything else.
    """
    names = {path.name for path in run.iterdir()} if run.is_dir() else set[str]()
    if WEIGHTS in names:
        raise TrainingError(
            f"{run} holds a checkpoint but nothing to resume from; choose another --out"
        )
    left = {LOG, BEST, SNAPSHOTS, PICTURE, resume.FOLDER, "tensorboard", "wandb", lock.NAME}
    foreign = sorted(n for n in names - left if not resume.is_leftover(n))
    if foreign:
        raise TrainingError(
            f"{run} is not empty and holds no run to resume (it holds {foreign[0]}); "
            "choose another --out, or empty this one"
        )

"""Recipes: what to train and how. :mod:`train.training.recipe_file` reads them from TOML.

A recipe has the tables ``[model]``, ``[data]``, ``[objective]``, ``[optimizer]``, ``[schedule]``
and ``[run]``; a table's keys are the fields of the dataclass below of the same name, those of
``[model]`` the fields of :class:`tinyinterp.network.config.DecoderConfig` or, where
``architecture`` is ``compressor``, of :class:`tinyinterp.network.compressor.CompressorConfig`.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_type_hints

from tinyinterp.errors import ConfigError, TrainingError
from tinyinterp.io.described import checked
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig

COMPRESSOR = "compressor"  # the architecture that is no decoder


@dataclass(frozen=True)
class Data:
    """How the token file is cut into batches."""

    sampler: Literal["windows", "stories", "packed"] = "windows"  # see train/data/batches.py
    batch_size: int = 16  # sequences a micro-batch, for windows and packed
    batch_tokens: int = 4096  # tokens a micro-batch, less what pads it, for stories
    accumulation: int = 1  # micro-batches a step, of each process
    loss: Literal["all", "story"] = "all"  # story: an instruction before it is not scored


@dataclass(frozen=True)
class Objective:
    """Next-token loss, and if asked for the contrastive term; see train/training/loss.py."""

    name: Literal["next_token", "contrastive"] = "next_token"
    contrast: float = 5.0  # the report's alpha: 5 in its text, 0.3 in its code
    shuffled: float = 1 / 3  # of the stories, whose sentences are shuffled
    guard: float = 5.0  # largest weight of the gradient on shuffled stories


@dataclass(frozen=True)
class Optimizer:
    """AdamW, or Muon on the matrices of the blocks with AdamW on the rest."""

    name: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 5e-4  # AdamW's
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1  # of matrices, with AdamW; biases and norms have none
    muon_learning_rate: float = 0.02
    muon_momentum: float = 0.95
    muon_weight_decay: float = 0.1
    clip: float = 1.0  # largest norm of the gradient


@dataclass(frozen=True)
class Schedule:
    """Learning rate over steps: warm-up, then constant, cosine, linear or trapezoid."""

    steps: int = 1000
    warmup: int = 0
    shape: Literal["constant", "cosine", "linear", "trapezoid"] = "cosine"
    decay_steps: int = 0  # the last steps of a trapezoid, in which the rate falls to final
    final: float = 0.1  # the last rate as a fraction of the largest


@dataclass(frozen=True)
class Run:
    """Everything around the steps."""

    seed: int = 0
    precision: Literal["fp32", "bf16", "fp16"] = "bf16"  # of the forward pass, by autocast
    tf32: bool = True  # let fp32 products on CUDA use TensorFloat-32
    compile: bool = False  # torch.compile; pays on CUDA
    average: float = 0.0  # decay of the running mean of weights that is kept; 0: the weights
    evaluate_every: int = 250
    save_every: int = 250
    stored: Literal["fp32", "fp16", "bf16"] = "fp32"  # of the checkpoint's weights
    snapshots: bool = True  # weights-only checkpoints at log-spaced steps
    track: tuple[Literal["tensorboard", "wandb"], ...] = ()  # beside log.jsonl


@dataclass(frozen=True)
class Recipe:
    """A whole training run, except for the data folder."""

    name: str
    model: DecoderConfig | CompressorConfig
    data: Data = field(default_factory=Data)
    objective: Objective = field(default_factory=Objective)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``training.json``; :func:`build_recipe` takes them back."""
        raw = asdict(self)
        if isinstance(self.model, CompressorConfig):
            raw["model"] = {"architecture": COMPRESSOR, **raw["model"]}
        return raw


TABLES = {
    "model": DecoderConfig,
    "data": Data,
    "objective": Objective,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "run": Run,
}
AT_LEAST_ONE = (
    ("data", "batch_size"),
    ("data", "batch_tokens"),
    ("data", "accumulation"),
    ("schedule", "steps"),
    ("run", "evaluate_every"),
    ("run", "save_every"),
)


def build_recipe(name: str, raw: dict[str, Any]) -> Recipe:
    """A recipe from plain values, every key and type checked."""
    for table, values in raw.items():
        if table not in TABLES:
            raise TrainingError(f"recipe {name}: no table [{table}]{_nearest(table, TABLES)}")
        if not isinstance(values, dict):
            raise TrainingError(f"recipe {name}: {table} is {values!r}; expected a table [{table}]")
    if "model" not in raw:
        raise TrainingError(f"recipe {name} has no table [model]")
    kinds = dict[str, type](TABLES)
    if raw["model"].get("architecture") == COMPRESSOR:
        kinds["model"] = CompressorConfig
        raw = raw | {"model": {k: v for k, v in raw["model"].items() if k != "architecture"}}
    tables = {key: _build(name, key, kind, raw.get(key, {})) for key, kind in kinds.items()}
    for table, key in AT_LEAST_ONE:
        if getattr(tables[table], key) < 1:
            value = getattr(tables[table], key)
            raise ConfigError(f"recipe {name}: {table}.{key} is {value}; it must be at least 1")
    _check(name, **tables)
    return Recipe(name=name, **tables)


def _check(
    name: str,
    model: Any,
    data: Data,
    objective: Objective,
    optimizer: Optimizer,
    run: Run,
    **_: Any,
) -> None:
    if data.sampler == "packed" and isinstance(model, CompressorConfig):
        raise ConfigError(
            f"recipe {name}: a compressor cannot read packed stories, whose pairs would join two; "
            'use data.sampler = "stories"'
        )
    if data.sampler == "packed" and objective.name == "contrastive":
        raise ConfigError(
            f"recipe {name}: packed stories cannot be shuffled for the contrastive objective; use "
            'data.sampler = "stories"'
        )
    if not 0 < objective.shuffled <= 1:
        raise ConfigError(
            f"recipe {name}: objective.shuffled is {objective.shuffled}; expected a share of the "
            "stories, above 0 and at most 1"
        )
    if run.seed < 0:
        raise ConfigError(f"recipe {name}: run.seed is {run.seed}; expected 0 or more")
    if not 0 <= run.average < 1:
        raise ConfigError(f"recipe {name}: run.average is {run.average}; expected 0 <= average < 1")
    if not all(0 <= beta < 1 for beta in optimizer.betas):
        raise ConfigError(
            f"recipe {name}: optimizer.betas are {optimizer.betas}; expected 0 <= beta < 1"
        )
    for key in ("learning_rate", "muon_learning_rate", "clip"):
        value = getattr(optimizer, key)
        if not 0 < value < math.inf:
            raise ConfigError(f"recipe {name}: optimizer.{key} is {value}; it must be above 0")
    if objective.contrast <= 0 or objective.guard <= 0:
        raise ConfigError(
            f"recipe {name}: objective.contrast is {objective.contrast} and objective.guard "
            f"{objective.guard}; both must be above 0"
        )


def _build(recipe: str, table: str, kind: type, values: dict[str, Any]) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    known = {f.name for f in fields(kind)}
    taken = {}
    for key, value in values.items():
        if key not in known:
            raise TrainingError(
                f"recipe {recipe}: [{table}] has no key {key!r}{_nearest(key, known)}"
            )
        where = f"recipe {recipe}: {table}.{key}"
        taken[key] = checked(hints[key], value, where, TrainingError)
    try:
        return kind(**taken)
    except TypeError as error:
        raise TrainingError(f"recipe {recipe}: [{table}] is incomplete: {error}") from error


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"

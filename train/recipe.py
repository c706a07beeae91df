"""Recipes: what to train and how, as TOML files with command-line overrides.

A recipe has the tables ``[model]``, ``[data]``, ``[optimizer]``, ``[schedule]`` and ``[run]``; a
table's keys are the fields of the dataclass below of the same name. An override is written
``schedule.steps=2000``.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tinyinterp.decoder import DecoderConfig
from tinyinterp.errors import ConfigError, TrainingError

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Data:
    """How the token file is cut into batches."""

    sampler: Literal["windows", "stories"] = "windows"
    batch_size: int = 16  # sequences a micro-batch, for windows
    batch_tokens: int = 4096  # tokens a micro-batch at most, for stories
    accumulation: int = 1  # micro-batches a step


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
    precision: Literal["fp32", "bf16"] = "bf16"  # of the forward pass, by autocast
    average: float = 0.0  # decay of the running mean of weights that is kept; 0: the weights
    evaluate_every: int = 250
    save_every: int = 250
    stored: Literal["fp32", "fp16", "bf16"] = "fp32"  # of the checkpoint's weights
    snapshots: bool = True  # weights-only checkpoints at log-spaced steps


@dataclass(frozen=True)
class Recipe:
    """A whole training run, less the data folder."""

    name: str
    model: DecoderConfig
    data: Data = field(default_factory=Data)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``training.json``."""
        return asdict(self)


TABLES = {
    "model": DecoderConfig,
    "data": Data,
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


def names() -> list[str]:
    """Recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_recipe(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Open a recipe by name or by path, and apply ``table.key=value`` overrides.

    Raises:
        TrainingError: there is no such recipe, table or key, or a value is of the wrong type.
        ConfigError: the model it describes cannot be.
    """
    path = RECIPES / f"{recipe}.toml" if recipe in names() else Path(recipe)
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise TrainingError(
            f"{recipe} is neither a recipe ({', '.join(names())}) nor a file"
        ) from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"cannot read the recipe {path}: {error}") from error
    for override in overrides:
        _apply(raw, override)
    return build_recipe(path.stem, raw)


def build_recipe(name: str, raw: dict[str, Any]) -> Recipe:
    """A recipe from plain values, every key and type checked."""
    for table, values in raw.items():
        if table not in TABLES:
            raise TrainingError(f"recipe {name}: no table [{table}]{_nearest(table, TABLES)}")
        if not isinstance(values, dict):
            raise TrainingError(f"recipe {name}: {table} is {values!r}; expected a table [{table}]")
    if "model" not in raw:
        raise TrainingError(f"recipe {name} has no table [model]")
    tables = {key: _build(name, key, TABLES[key], raw.get(key, {})) for key in TABLES}
    for table, key in AT_LEAST_ONE:
        if getattr(tables[table], key) < 1:
            value = getattr(tables[table], key)
            raise ConfigError(f"recipe {name}: {table}.{key} is {value}; it must be at least 1")
    return Recipe(name=name, **tables)


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not (equals and dot):
        raise TrainingError(f"override {override!r} is not of the form table.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a bare word is a string
    if not isinstance(raw.setdefault(table, {}), dict):
        raise TrainingError(f"override {override!r}: {table} is no table of the recipe")
    raw[table][name] = value


def _build(recipe: str, table: str, kind: type, values: dict[str, Any]) -> Any:
    hints = get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    checked = {}
    for key, value in values.items():
        if key not in known:
            raise TrainingError(
                f"recipe {recipe}: [{table}] has no key {key!r}{_nearest(key, known)}"
            )
        checked[key] = _as(hints[key], value, f"recipe {recipe}: {table}.{key}")
    try:
        return kind(**checked)
    except TypeError as error:
        raise TrainingError(f"recipe {recipe}: [{table}] is incomplete: {error}") from error


def _as(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) is tuple:
        return _as_tuple(get_args(kind), value, where)
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise TrainingError(f"{where} is {value!r}; choose one of {', '.join(get_args(kind))}")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TrainingError(f"{where} is {value!r}; expected {kind.__name__}")
    return value


def _as_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TrainingError(f"{where} is {value!r}; expected a list")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise TrainingError(f"{where} is {value!r}; expected {len(kinds)} values")
    return tuple(_as(kind, item, where) for kind, item in zip(kinds, value, strict=True))


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"

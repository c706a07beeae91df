"""Recipes as TOML files: by name or path, one extending another, with command-line overrides.

``extends = "other"`` at the top of a file takes the tables of another recipe; the keys of the file
itself override them. A name ``X-S``, where ``recipes/suffixes/S.toml`` exists, is recipe X with the
tables of that file over it, so that ``report-256-8-4-contrastive`` needs no file. An override is
written ``schedule.steps=2000``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinyinterp.errors import TrainingError
from tinyinterp.io.bounded import parse_toml, read_toml
from tinyinterp.io.paths import LONGEST_NAME, expanded, is_file, shown

from .recipe import Recipe, build_recipe

RECIPES = Path(__file__).parents[1] / "recipes"
SUFFIXES = RECIPES / "suffixes"
EXTENDS = "extends"
MOST_EXTENDED = 16  # recipes, one through the other


def names() -> list[str]:
    """Recipes that come with the project."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def suffixes() -> list[str]:
    """What may be added, with a hyphen, to the name of any of them."""
    return sorted(path.stem for path in SUFFIXES.glob("*.toml"))


def read_recipe(recipe: str, overrides: Sequence[str] = ()) -> Recipe:
    """Open a recipe by name or by path, and apply ``table.key=value`` overrides.

    Raises:
        TrainingError: there is no such recipe, table or key, or a value is of the wrong type.
        ConfigError: it describes no valid model.
    """
    raw = _read(recipe, ())
    for override in overrides:
        _apply(raw, override)
    return build_recipe(recipe if _is_named(recipe) else Path(recipe).stem, raw)


def _is_named(recipe: str) -> bool:
    if len(recipe) > LONGEST_NAME:
        return False
    base, hyphen, suffix = recipe.rpartition("-")
    return recipe in names() or bool(hyphen and suffix in suffixes() and _is_named(base))


def _read(recipe: str, behind: tuple[str, ...]) -> dict[str, Any]:
    """The tables of a recipe, those that it extends included."""
    if len(behind) > MOST_EXTENDED:
        raise TrainingError(
            f"recipe {behind[0]} extends more than {MOST_EXTENDED} others, one through the other"
        )
    if recipe in behind:
        raise TrainingError(f"recipe {recipe} extends itself: {' -> '.join((*behind, recipe))}")
    if recipe not in names() and _is_named(recipe):
        base, _, suffix = recipe.rpartition("-")
        return _merged(_read(base, behind), _read_file(SUFFIXES / f"{suffix}.toml"))
    path = RECIPES / f"{recipe}.toml" if recipe in names() else expanded(recipe)
    raw = _read_file(path)
    extended = raw.pop(EXTENDS, None)
    if extended is None:
        return raw
    if not isinstance(extended, str):
        raise TrainingError(f"{path}: extends is {extended!r}; expected the name of a recipe")
    beside = path.parent / extended
    chosen = extended if _is_named(extended) or not is_file(beside) else str(beside.resolve())
    return _merged(_read(chosen, (*behind, recipe)), raw)


def _read_file(path: Path) -> dict[str, Any]:
    if not is_file(path):
        raise TrainingError(
            f"{shown(path)} is neither a recipe ({', '.join(names())}; each also with "
            f"{', '.join(f'-{suffix}' for suffix in suffixes())}) nor a file"
        )
    try:
        return read_toml(path, TrainingError)
    except TrainingError as error:
        raise TrainingError(f"cannot read the recipe: {error}") from error


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merged[key] | value if both else value
    return merged


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not (equals and dot):
        raise TrainingError(f"override {override!r} is not of the form table.key=value")
    try:
        value = parse_toml(f"value = {text}", override, TrainingError)["value"]
    except TrainingError:
        value = text.strip()  # a bare word is a string
    if not isinstance(raw.setdefault(table, {}), dict):
        raise TrainingError(f"override {override!r}: {table} is not a table of the recipe")
    raw[table][name] = value

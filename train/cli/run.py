"""``run`` and ``recipes``: train one of the recipes, and which there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..command import PREFIX
from .options import Json


def run(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a TOML file.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Changes, as table.key=value.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder of prepared data.")] = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/RECIPE unless given.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A change, as table.key=value.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="End at this step; the next run resumes from there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, or resume a run that was stopped.

    Ctrl-C or SIGTERM finishes the step and saves; the same command resumes from there.
    """
    from dataclasses import asdict
    from math import isfinite

    from tinyinterp.processes import processes

    from ..reports.plot import plot_runs
    from ..training.loop import Trainer
    from ..training.recipe_file import read_recipe
    from ..training.start import PICTURE

    settings = read_recipe(recipe, [*(changes or []), *(overrides or [])])
    folder = out or Path("runs") / settings.name
    with processes() as among:
        outcome = Trainer(settings, data, folder, among).run(max_steps)
    if not among.writes:
        return  # one of several speaks and draws
    if outcome.finished:
        plot_runs([folder], folder / PICTURE)
    best = outcome.best_bits_per_byte if isfinite(outcome.best_bits_per_byte) else None
    if as_json:
        values = asdict(outcome) | {"best_bits_per_byte": best}
        typer.echo(json.dumps({"run": str(folder), **values}))
    else:
        loss = "no held-out story was evaluated"
        if best is not None:
            loss = f"best held-out loss {best:.4f} bits per byte"
        typer.echo(f"{folder}: step {outcome.step}, {loss}")
    if not outcome.finished:
        typer.echo(
            f"{PREFIX}: stopped at step {outcome.step}; run the same command again to resume",
            err=True,
        )
        raise typer.Exit(1)


def recipes() -> None:
    """List the recipes that come with the project."""
    from ..training.recipe_file import names, suffixes

    typer.echo("\n".join(names()))
    typer.echo(f"add {' or '.join(f'-{suffix}' for suffix in suffixes())} to any of these names")

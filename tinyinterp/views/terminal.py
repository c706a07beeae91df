"""A small map of heads for the terminal; colour where the terminal has it, letters everywhere."""

from __future__ import annotations

import typer

from tinyinterp.table import Table

LETTERS = {
    "positional": ("P", "blue"),
    "semantic": ("S", "green"),
    "mixed": ("M", "magenta"),
    "diffuse": ("d", "white"),
    "sink": ("k", "yellow"),
    "undetermined": ("?", "bright_black"),
}


def head_map_lines(table: Table) -> list[str]:
    """Layers down, heads across, a letter for each kind, and what the letters mean.

    Colour is written as ANSI escapes, which ``typer.echo`` leaves out where output is piped.
    """
    rows = list(table)
    n_heads = max(row["head"] for row in rows) + 1
    lines = ["layer  heads 0 to " + str(n_heads - 1)]
    for layer in sorted({row["layer"] for row in rows}):
        here = [row for row in rows if row["layer"] == layer]
        cells = " ".join(_letter(row["kind"]) for row in here)
        lines.append(f"{layer:5}  {cells}  {here[0]['attention']}")
    present = [kind for kind in LETTERS if any(row["kind"] == kind for row in rows)]
    named = (f"{_letter(kind)} {kind}" for kind in present)
    return [*lines, "       " + "   ".join(named)]


def _letter(kind: str) -> str:
    letter, colour = LETTERS[kind]
    return typer.style(letter, fg=colour, bold=True)

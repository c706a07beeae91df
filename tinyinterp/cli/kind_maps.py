"""Maps of heads and neurons for the terminal: letters, in colour where the terminal has it."""

from __future__ import annotations

from collections import Counter

import typer

from tinyinterp.io.table import Table

LETTERS = {
    "positional": ("P", "blue"),
    "semantic": ("S", "green"),
    "mixed": ("M", "magenta"),
    "diffuse": ("d", "white"),
    "sink": ("k", "yellow"),
    "undetermined": ("?", "bright_black"),
}

NEURON_LETTERS = {
    "position": ("P", "blue"),
    "part-of-speech": ("S", "green"),
    "word": ("W", "yellow"),
    "next-word": ("N", "cyan"),
    "mixed": ("M", "magenta"),
    "dead": ("x", "red"),
    "undetermined": ("?", "bright_black"),
}
BAR = 50  # letters of a layer
NAMES = 4  # kinds named on a line


def head_map_lines(table: Table) -> list[str]:
    """Layers down, heads across, a letter for each kind, and a key to the letters.

    Colour is written as ANSI escapes, which ``typer.echo`` drops where output is piped.
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


def neuron_map_lines(table: Table) -> list[str]:
    """Layers down, the shares of their kinds across, and a key to the letters; colour as above."""
    counts = Counter((row["layer"], row["kind"]) for row in table)
    totals, kinds = Counter(table["layer"]), Counter(table["kind"])
    lines = [f"layer  kinds of neurons; each letter is {100 // BAR} % of the layer"]
    for layer, total in sorted(totals.items()):
        cells = _cells([counts[layer, kind] for kind in NEURON_LETTERS])
        bar = "".join(
            _letter(kind, NEURON_LETTERS) * n for kind, n in zip(NEURON_LETTERS, cells, strict=True)
        )
        lines.append(f"{layer:5}  {bar}  {total:,}")
    named = [
        f"{_letter(kind, NEURON_LETTERS)} {kind} {kinds[kind]:,}"
        for kind in NEURON_LETTERS
        if kinds[kind]
    ]
    lines += ["       " + "   ".join(named[at : at + NAMES]) for at in range(0, len(named), NAMES)]
    return lines


def _cells(counts: list[int]) -> list[int]:
    """``BAR`` letters in these shares, by the largest remainders.

    >>> _cells([1, 1, 1]), _cells([0, 1000, 9])
    ([17, 17, 16], [0, 50, 0])
    """
    total = sum(counts)
    cells = [count * BAR // total for count in counts]
    by_rest = sorted(range(len(counts)), key=lambda at: (-(counts[at] * BAR % total), at))
    for at in by_rest[: BAR - sum(cells)]:
        cells[at] += 1
    return cells


def _letter(kind: str, letters: dict[str, tuple[str, str]] = LETTERS) -> str:
    letter, colour = letters[kind]
    return typer.style(letter, fg=colour, bold=True)

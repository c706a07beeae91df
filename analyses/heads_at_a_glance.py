"""The pictures of the README: the bundled model's heads by kind, and four of them close up.

    python analyses/heads_at_a_glance.py [--text FILE]

Reads a checkpoint (the bundled one), writes ``figures/heads_by_kind.png``,
``figures/four_heads.png`` and ``figures/heads_by_kind.csv``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import tinyinterp
from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.kind_map import draw_kind_map
from tinyinterp.views.patterns import draw_layer_sheet

FIGURES = Path(__file__).parent.parent / "figures"
SHOWN_TOKENS = 40


def main() -> None:
    """Take the census and draw."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, help="default: the bundled stories")
    parser.add_argument("--ckpt", help="default: the bundled model")
    options = parser.parse_args()
    model = tinyinterp.load(options.ckpt)
    census = tinyinterp.heads(model, options.text)
    title = f"Attention heads of the {model.name} model"
    style.save(draw_kind_map(census.table, title), FIGURES / "heads_by_kind.png")

    chosen = _four(census.table)
    patterns = [census.example_patterns[row["layer"]][row["head"]] for row in chosen]
    cut = np.stack([pattern[:SHOWN_TOKENS, :SHOWN_TOKENS] for pattern in patterns])
    figure = draw_layer_sheet(
        cut,
        [f"{row['layer']}.{row['head']} {row['role']}" for row in chosen],
        [row["kind"] for row in chosen],
        "The clearest head of four kinds",
    )
    style.save(figure, FIGURES / "four_heads.png")

    counts = [
        {"layer": layer, "kind": kind, "heads": kinds.count(kind)}
        for layer in range(model.config.n_layers)
        for kinds in [[row["kind"] for row in census.table if row["layer"] == layer]]
        for kind in sorted(set(kinds))
    ]
    Table("heads_by_kind", counts, notes=census.table.notes).write(FIGURES)


def _four(table: Table) -> list[dict[str, Any]]:
    """The most positional head, the most semantic with a role, and the clearest of two others."""
    rows = [row for row in table if row["value"] is not None]
    named = [row for row in rows if row["role"]]
    positional = [row for row in named if row["kind"] == "positional"]
    semantic = [row for row in named if row["kind"] == "semantic"]
    picked = [
        *sorted(positional, key=lambda row: -row["value"])[:2],
        *sorted(semantic, key=lambda row: -row["contrast"])[:2],
    ]
    rest = sorted((row for row in rows if row not in picked), key=lambda row: -row["contrast"])
    return [*picked, *rest][:4]


if __name__ == "__main__":
    main()

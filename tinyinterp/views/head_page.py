"""``heads.html``: the map of kinds, the table, and any head's pattern under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from tinyinterp.views import style
from tinyinterp.views.census import HeadCensusLike
from tinyinterp.views.kind_map import cell_words
from tinyinterp.views.page import kind_styles, write_page
from tinyinterp.views.report_rule import report_rule_sentences

STEPS = 1000  # weights are kept to thousandths
MOST_OFFSETS = 64  # distances shown in a profile


class Column(NamedTuple):
    """A number of the table: its name there, its heading and what it means."""

    name: str
    heading: str
    meaning: str


NUMBERS = (
    Column("sink", "S", "sink: attention to the first token"),
    Column("contrast", "C", "contrast: how far from attending to everything alike"),
    Column("position_explained", "F", "share explained by distance"),
    Column("place_explained", "V", "share explained by absolute position"),
    Column("previous_token", "previous", "attention to the token before, without the sink"),
    Column("induction", "I", "induction: attention to what followed the same token"),
    Column("duplicate_token", "D", "attention to an earlier copy of the token"),
    Column("content_invariance", "stays", "correlation with the pattern on other tokens"),
    Column("equivariance", "moves", "correlation with the pattern on permuted tokens, moved along"),
    Column("looks_at_lift", "lift", "of what it looks at most beyond position, over position"),
    Column("ablation_loss_increase", "ablation", "rise in loss without the head, nats per token"),
    Column("surrogate_loss_increase", "surrogate", "rise in loss if it goes by position alone"),
    Column("report_r", "report r", "Pearson's r of the simple rule on one text"),
    Column("stability", "stability", "share of resamples that give this kind"),
)


def write_head_page(
    census: HeadCensusLike, path: Path, pictures: Sequence[tuple[str, Sequence[str]]] = ()
) -> Path:
    """Write the page; it needs no other file and no network.

    Args:
        pictures: what lies beside it and is linked: what each shows, and its files.

    Raises:
        OutputError: the folder cannot be written.
    """
    rows = sorted(census.table, key=lambda row: (row["layer"], row["head"]))
    data = {
        "tokens": [style.show_token(token) for token in census.example_tokens],
        "heads": rows,
        "patterns": {
            str(layer): [pack_pattern(pattern) for pattern in patterns]
            for layer, patterns in sorted(census.example_patterns.items())
        },
        "steps": STEPS,
        "profiles": [[_profile(head) for head in layer] for layer in census.profiles],
        "scale": style.attention_scale(),
    }
    n_heads = max((row["head"] for row in rows), default=-1) + 1
    return write_page(
        path,
        "heads.html",
        data,
        model=census.model_name,
        text=census.corpus_name,
        notes=census.table.notes,
        warnings=census.warnings,
        layers=_grid(rows, n_heads),
        n_heads=n_heads,
        rows=rows,
        words=cell_words,
        numbers=[c for c in NUMBERS if c.name in census.table.columns],
        kinds=kind_styles(style.KIND_COLOURS),
        pictures=pictures,
        comparison=report_rule_sentences(rows, census.table.notes.get("rule", "evidence")),
        counts={kind: census.table["kind"].count(kind) for kind in style.KIND_COLOURS},
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - plotly's own script
    )


def pack_pattern(pattern: Float[np.ndarray, "query key"]) -> list[int | None]:
    """Weights on and below the diagonal, row by row, in thousandths; None where not a number.

    >>> pack_pattern(np.array([[1.0, 0.0], [0.25, 0.75]]))
    [1000, 250, 750]
    """
    weights = pattern[np.tril_indices(len(pattern))]
    return [round(float(w) * STEPS) if np.isfinite(w) else None for w in weights]


def _profile(weights: Float[np.ndarray, " offset"]) -> list[float]:
    return [float(f"{float(w):.4g}") for w in weights[:MOST_OFFSETS]]


def _grid(rows: list[dict[str, Any]], n_heads: int) -> list[dict[str, Any]]:
    """Rows of the kind map: per layer its attention kind and, in head order, its heads or None."""
    places = {(row["layer"], row["head"]): row for row in rows}
    layers = sorted({row["layer"] for row in rows})
    grid = []
    for layer in layers:
        heads = [places.get((layer, head)) for head in range(n_heads)]
        attention = next((row.get("attention") for row in heads if row), None)
        grid.append({"layer": layer, "attention": attention or "", "heads": heads})
    return grid

"""Every picture of a head census: heat maps, a sheet a layer, the map of kinds, the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinyinterp.progress import progress
from tinyinterp.views import style
from tinyinterp.views.census import HeadCensusLike
from tinyinterp.views.head_page import write_head_page
from tinyinterp.views.kind_map import SHORT_NAMES, draw_kind_map
from tinyinterp.views.patterns import PatternPicture, draw_layer_sheet

SUFFIXES = (".png", ".svg")


def write_head_pictures(census: HeadCensusLike, folder: Path) -> list[Path]:
    """Write ``heads.html``, ``kinds``, ``patterns/layerL`` and ``patterns/layerL_headH``.

    Pictures are written as PNG and as SVG.

    Returns:
        the paths, the page first.

    Raises:
        OutputError: the folder cannot be written.
    """
    rows = {(row["layer"], row["head"]): row for row in census.table}
    picture = PatternPicture(census.example_tokens)
    paths = [write_head_page(census, folder / "heads.html")]
    with progress("drawing heads", len(rows) + len(census.example_patterns) + 1) as bar:
        title = f"Heads of {census.model_name} on {census.corpus_name}"
        kinds = draw_kind_map(census.table, title)
        paths += [style.save(kinds, folder / f"kinds{suffix}") for suffix in SUFFIXES]
        bar.advance()
        for layer, patterns in sorted(census.example_patterns.items()):
            heads = [h for h in range(len(patterns)) if (layer, h) in rows]
            here = [rows[layer, h] for h in heads]
            sheet = draw_layer_sheet(
                patterns[heads],
                [f"{h}  {head_label(row)}" for h, row in zip(heads, here, strict=True)],
                [row["kind"] for row in here],
                _layer_title(layer, here),
            )
            target = folder / "patterns"
            paths += [style.save(sheet, target / f"layer{layer}{suffix}") for suffix in SUFFIXES]
            bar.advance()
            for head, row in zip(heads, here, strict=True):
                title = f"Layer {layer}, head {head}"
                figure = picture.show(patterns[head], title, _subtitle(row), row["kind"])
                name = f"layer{layer}_head{head}"
                paths += [style.save(figure, target / f"{name}{suffix}") for suffix in SUFFIXES]
                bar.advance()
    return paths


def head_label(row: dict[str, Any]) -> str:
    """Kind and role in words.

    >>> head_label({"kind": "semantic", "role": "induction"}), head_label({"kind": "sink"})
    ('semantic, induction', 'sink')
    """
    return f"{row['kind']}, {row['role']}" if row.get("role") else row["kind"]


def _subtitle(row: dict[str, Any]) -> str:
    """The label with the number that decided and its interval."""
    decided_by = row.get("decided_by")
    if not decided_by:
        return head_label(row)
    name = SHORT_NAMES.get(decided_by, decided_by)
    interval = style.interval(row.get("low"), row.get("high"))
    interval = "" if interval == style.DASH else f" ({interval})"
    return f"{head_label(row)}   {name} {style.number(row.get('value'))}{interval}"


def _layer_title(layer: int, rows: list[dict[str, Any]]) -> str:
    attention = rows[0].get("attention") if rows else None
    return f"Layer {layer}, {attention} attention" if attention else f"Layer {layer}"

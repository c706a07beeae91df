"""Every picture of a head census: heat maps, sheets, the map of kinds, profiles, the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinyinterp.io.progress import Progress, progress
from tinyinterp.views import style
from tinyinterp.views.causal_plot import draw_causal_check, has_causal_check
from tinyinterp.views.census import HeadCensusLike
from tinyinterp.views.figure import Figure
from tinyinterp.views.head_page import write_head_page
from tinyinterp.views.kind_map import SHORT_NAMES, draw_kind_map
from tinyinterp.views.needs import short_needs
from tinyinterp.views.patterns import PatternPicture, draw_layer_sheet
from tinyinterp.views.profiles import draw_profiles

SUFFIXES = (".png", ".svg")
# The pictures of all heads: their names, and what the page calls them.
OVERVIEWS = {
    "kinds": "map of kinds",
    "profiles": "offset profiles (how far back each head looks)",
    "causal": "causal check (the rise in loss without a head, and with position alone)",
}


def write_head_pictures(
    census: HeadCensusLike,
    folder: Path,
    *,
    suffixes: Sequence[str] = SUFFIXES,
    heat_maps: bool = True,
) -> list[Path]:
    """Write ``heads.html``, ``kinds``, ``profiles`` and ``causal``, and the heat maps.

    Heat maps are ``patterns/layerL`` and ``patterns/layerL_headH``; ``causal`` is left out where
    there was no causal check.

    Args:
        suffixes: the formats of pictures, of ``.png``, ``.svg`` and ``.pdf``.
        heat_maps: whether to draw them; they take the longest.

    Returns:
        the paths, the page first.

    Raises:
        OutputError: the folder cannot be written.
    """
    heats = len(census.table) + len(census.example_patterns) if heat_maps else 0
    with progress("drawing heads", heats + len(OVERVIEWS)) as bar:
        figures = _overviews(census)
        pictures: dict[str, list[Path]] = {}
        for name, figure in figures.items():
            pictures[name] = [style.save(figure, folder / f"{name}{s}") for s in suffixes]
            bar.advance()
        links = [
            (OVERVIEWS[name], [path.name for path in written]) for name, written in pictures.items()
        ]
        paths = [write_head_page(census, folder / "heads.html", links)]
        paths += [path for written in pictures.values() for path in written]
        if heat_maps:
            paths += _write_heat_maps(census, folder / "patterns", suffixes, bar)
    return paths


def _overviews(census: HeadCensusLike) -> dict[str, Figure]:
    title = f"{style.shown_name(census.model_name)} on {census.corpus_name}"
    figures = {
        "kinds": draw_kind_map(census.table, f"Heads of {title}"),
        "profiles": draw_profiles(census.profiles, census.table, f"Offset profiles, {title}"),
    }
    if has_causal_check(census.table):
        figures["causal"] = draw_causal_check(census.table, f"Causal check, {title}")
    return figures


def _write_heat_maps(
    census: HeadCensusLike, folder: Path, suffixes: Sequence[str], bar: Progress
) -> list[Path]:
    """A sheet for each layer and a picture for each head."""
    rows = {(row["layer"], row["head"]): row for row in census.table}
    paths = []
    with style.saving_apart() as save_pixels:
        picture = PatternPicture(census.example_tokens, save_pixels)
        for layer, patterns in sorted(census.example_patterns.items()):
            heads = [h for h in range(len(patterns)) if (layer, h) in rows]
            here = [rows[layer, h] for h in heads]
            sheet = draw_layer_sheet(
                patterns[heads],
                [_caption(h, row) for h, row in zip(heads, here, strict=True)],
                [row["kind"] for row in here],
                _layer_title(layer, here),
            )
            paths += [style.save(sheet, folder / f"layer{layer}{suffix}") for suffix in suffixes]
            bar.advance()
            for head, row in zip(heads, here, strict=True):
                title = f"Layer {layer}, head {head}"
                picture.show(patterns[head], title, _subtitle(row), row["kind"])
                name = f"layer{layer}_head{head}"
                paths += [picture.save(folder / f"{name}{suffix}") for suffix in suffixes]
                bar.advance()
    return paths


def head_label(row: dict[str, Any]) -> str:
    """Kind and role in words.

    >>> head_label({"kind": "semantic", "role": "induction"}), head_label({"kind": "sink"})
    ('semantic, induction', 'sink')
    """
    return f"{row['kind']}, {row['role']}" if row.get("role") else row["kind"]


def _caption(head: int, row: dict[str, Any]) -> str:
    """The label of a head and below it what it needs."""
    needs = short_needs(row)
    return f"{head}  {head_label(row)}" + (f"\n{needs}" if needs else "")


def _subtitle(row: dict[str, Any]) -> str:
    """The label with what the head needs, and the number that decided with its interval."""
    needs, decided_by = short_needs(row), row.get("decided_by")
    label = f"{head_label(row)}; {needs}" if needs else head_label(row)
    if not decided_by:
        return label
    name = SHORT_NAMES.get(decided_by, decided_by)
    interval = style.interval(row.get("low"), row.get("high"))
    interval = "" if interval == style.DASH else f" ({interval})"
    return f"{label}   {name} {style.number(row.get('value'))}{interval}"


def _layer_title(layer: int, rows: list[dict[str, Any]]) -> str:
    attention = rows[0].get("attention") if rows else None
    return f"Layer {layer}, {attention} attention" if attention else f"Layer {layer}"

"""Data of the pages of heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.atlas.contents import Atlas, Row, Story
from tinyinterp.atlas.data_files import short, write_data
from tinyinterp.views.explanation import explanation_paragraphs
from tinyinterp.views.kind_map import cell_words
from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern

EXAMPLES = 12  # places where a head attends most, away from the first token


def write_heads(atlas: Atlas, folder: Path) -> None:
    """A file of the stories, and one for each head."""
    stories = [list(story.tokens) for story in atlas.stories]
    write_data(folder, "stories", {"stories": stories, "steps": STEPS, "unknown": UNKNOWN})
    for row in atlas.heads:
        layer, head = row["layer"], row["head"]
        patterns = [story.patterns[layer][head] for story in atlas.stories]
        data = {
            "row": {key: _value(value) for key, value in row.items()},
            "label": cell_words(row)[0],
            "why": _paragraphs(row, atlas),
            "patterns": [pack_pattern(pattern) for pattern in patterns],
            "profile": [short(float(weight)) for weight in atlas.profiles[layer, head]],
            "examples": strongest(atlas.stories, patterns),
        }
        write_data(folder, f"head-{layer}.{head}", data)


def _value(value: Any) -> Any:
    return short(value) if isinstance(value, float) else value


def _paragraphs(row: Row, atlas: Atlas) -> list[str]:
    try:
        return explanation_paragraphs(row, atlas.head_notes)
    except KeyError:  # a table of fewer columns: the page shows those that there are
        return []


def strongest(
    stories: Sequence[Story], patterns: Sequence[Float[np.ndarray, "_ _"]]
) -> list[list[int | float | None]]:
    """Where a head attends most: ``[story, query, key, weight]``, largest weight first.

    ``patterns`` has a matrix of queries by keys for each story. The first token is left out, as it
    takes what is not spent elsewhere; each pair of a query's and a key's token is listed once.
    """
    found = []
    for number, pattern in enumerate(patterns):
        queries, keys = np.tril_indices(len(pattern))
        for query, key in zip(queries[keys > 0].tolist(), keys[keys > 0].tolist(), strict=True):
            if np.isfinite(pattern[query, key]):
                found.append((-float(pattern[query, key]), number, query, key))
    chosen: list[list[int | float | None]] = []
    seen: set[tuple[str, str]] = set()
    for negated, number, query, key in sorted(found):
        pair = stories[number].tokens[query], stories[number].tokens[key]
        if pair not in seen:
            seen.add(pair)
            chosen.append([number, query, key, short(-negated)])
        if len(chosen) == EXAMPLES:
            break
    return chosen

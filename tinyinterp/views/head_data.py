"""What pages know of heads, in the form that their scripts read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.model_account.ladder import RUNGS, needed_share
from tinyinterp.views.account_data import component_account, needs_words
from tinyinterp.views.explanation import explanation_paragraphs
from tinyinterp.views.kind_map import cell_words
from tinyinterp.views.needs import NEEDS
from tinyinterp.views.page import short, short_cell
from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern

EXAMPLES = 12  # pairs of tokens between which a head attends most, away from the first token
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """A text to look at, and what every head does on it."""

    tokens: Sequence[str]
    patterns: Mapping[int, Float[np.ndarray, "head query key"]]  # by layer


def story_data(stories: Sequence[Story]) -> dict[str, Any]:
    """The tokens of stories, and how their patterns are packed."""
    return {"stories": [list(s.tokens) for s in stories], "steps": STEPS, "unknown": UNKNOWN}


def listed_heads(
    rows: Iterable[Row], account: Mapping[tuple[int, int], Row] | None = None
) -> list[dict[str, Any]]:
    """A line a head, for the map of kinds and for lists, in order.

    Args:
        rows: of the heads table; a line also says what the head needs where its row does.
        account: of heads, by layer and head; it says what they need in place of the rows.
    """
    return [
        {
            "layer": row["layer"],
            "head": row["head"],
            "attention": row.get("attention", ""),
            "kind": row["kind"],
            "role": row.get("role", ""),
            "words": cell_words(dict(row)),
            "looks_at": row.get("looks_at", ""),
            "lift": short(row.get("looks_at_lift")),
        }
        | _needs(account, row)
        for row in sorted(rows, key=lambda row: (row["layer"], row["head"]))
    ]


def _needs(account: Mapping[tuple[int, int], Row] | None, row: Row) -> dict[str, Any]:
    found = (account or {}).get((row["layer"], row["head"]), row)
    return {"needs": found[NEEDS], "needs_words": needs_words(found)} if NEEDS in found else {}


def head_data(
    row: Row,
    notes: Mapping[str, Any],
    stories: Sequence[Story],
    profile: Float[np.ndarray, " offset"],
    account: Row | None = None,
    neurons: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All that a page says of one head.

    Args:
        account: of this head, where there is one.
        neurons: as :func:`tinyinterp.views.account_data.linked_neurons` gives them for it.
    """
    patterns = [story.patterns[row["layer"]][row["head"]] for story in stories]
    return {
        "row": {key: short_cell(value) for key, value in row.items()},
        "why": _paragraphs({**row, **_needed(account)}, notes),
        "patterns": [pack_pattern(pattern) for pattern in patterns],
        "profile": [short(float(weight)) for weight in profile],
        "examples": strongest(stories, patterns),
    } | ({} if account is None else {"account": component_account(account), "linked": neurons})


def _needed(account: Row | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {NEEDS: account[NEEDS]} | needed_share(account, "keeps", RUNGS)


def _paragraphs(row: Row, notes: Mapping[str, Any]) -> list[str]:
    try:
        return explanation_paragraphs(dict(row), notes)
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

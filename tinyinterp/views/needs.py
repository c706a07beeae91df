"""Kind and need in words: where a head looks, and what its effect on the loss needs.

The two are different questions, so they are said side by side: "positional (where it looks); for
the loss it needs tokens".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tinyinterp.io.table import is_known
from tinyinterp.model_account.ladder import CONTEXT
from tinyinterp.views.account_data import NEEDS_ORDER, NEEDS_WORDS

NEEDS = "needs"
NO_ACCOUNT = (
    "For what the loss needs of it, run tinyinterp account and add --account (in Python, account=)."
)
NO_NEURON_ACCOUNT = (
    "For what predicts it, run tinyinterp account and add --account (in Python, account=)."
)
Row = Mapping[str, Any]


def short_needs(row: Row) -> str:
    """What a component needs, for a caption; empty without an account.

    >>> short_needs({"needs": "tokens"}), short_needs({"needs": "", "head": 1}), short_needs({})
    ('needs tokens', 'no effect', '')
    """
    if NEEDS not in row:
        return ""
    nothing = "no effect" if "head" in row else "constant"
    return f"needs {row[NEEDS]}" if row[NEEDS] else nothing


def head_needs(row: Row, label: str) -> str:
    """The label of a head and what its effect on the loss needs; a hint without an account.

    >>> row = {"needs": "tokens", "keeps": 0.857, "keeps_low": 0.8, "keeps_high": 0.9}
    >>> head_needs(row, "positional")  # doctest: +NORMALIZE_WHITESPACE
    'positional (where it looks); for the loss it needs tokens, which keep 0.86 (0.80 to 0.90) of
    its effect.'
    """
    if NEEDS not in row:
        return NO_ACCOUNT
    needs, looks = row[NEEDS], f"{label} (where it looks)"
    if not needs:
        return f"{looks}; replacing its output by its mean does not raise the loss."
    said = f"{looks}; for the loss it needs {NEEDS_WORDS.get(needs, needs)}"
    if not is_known(row["keeps"]):
        return f"{said}."
    share = f"{_share(row, 'keeps')} of its effect"
    if needs == CONTEXT:
        return f"{said}: the best rung keeps {share}."
    return f"{said}, which {'keep' if needs in ('tokens', 'predecessor') else 'keeps'} {share}."


def neuron_needs(row: Row, label: str) -> str:
    """The label of a neuron and what predicts its activation; a hint without an account.

    >>> neuron_needs({"needs": "token", "r2": 0.5, "r2_low": 0.46, "r2_high": 0.54}, "word")
    'word (what it fires on); predicting it needs the token: r² 0.50 (0.46 to 0.54).'
    """
    if NEEDS not in row:
        return NO_NEURON_ACCOUNT
    needs, fires = row[NEEDS], f"{label} (what it fires on)"
    if not needs:
        return f"{fires}; its activation is constant."
    said = f"{fires}; predicting it needs {NEEDS_WORDS.get(needs, needs)}"
    if not is_known(row["r2"]):
        return f"{said}."
    best = "the best rung reaches " if needs == CONTEXT else ""
    return f"{said}: {best}r² {_share(row, 'r2')}."


def needs_by_kind(rows: Iterable[Row], nothing: str) -> tuple[list[str], list[list[Any]]]:
    """How many components of each kind need what: the headings and a line for each kind.

    Args:
        rows: of a table with an account.
        nothing: the heading of those that need nothing.
    """
    counts = Counter((row["kind"], row[NEEDS]) for row in rows)
    present = [needs for needs in NEEDS_ORDER if any(needs == other for _, other in counts)]
    totals = Counter()
    for (kind, _), count in counts.items():
        totals[kind] += count
    kinds = sorted(totals, key=lambda kind: (-totals[kind], kind))
    lines = [[kind, *(counts[kind, needs] for needs in present)] for kind in kinds]
    return ["kind", *(needs or nothing for needs in present)], lines


def _share(row: Row, name: str) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    bounds = f" ({low:.2f} to {high:.2f})" if is_known(low) and is_known(high) else ""
    return f"{value:.2f}{bounds}"

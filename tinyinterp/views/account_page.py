"""``account.html``: the whole model, what heads and neurons need, the heads that cost most."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyinterp.views import style
from tinyinterp.views.account_lines import NAMES, NOTHING_KNOWN, needs_table
from tinyinterp.views.account_plot import draw_account
from tinyinterp.views.glossary import ACCOUNT_TERMS, MEANINGS
from tinyinterp.views.ladder_points import Ladder, head_ladder
from tinyinterp.views.page import short, write_page
from tinyinterp.views.pictures import account_title

if TYPE_CHECKING:
    from tinyinterp.model_account import ModelAccount

SHOWN_HEADS = 20  # those whose mean ablation costs most
SHOWN_TOKENS = 8
Row = Mapping[str, Any]


def write_account_page(account: ModelAccount, path: Path) -> Path:
    """Write the page; it needs no other file and no network.

    Raises:
        OutputError: the folder cannot be written.
    """
    table = account.table
    title = account_title(table)
    data = {
        "title": f"Account of {style.shown_name(account.model_name)}",
        "about": account_sentence(list(table)),
        "notes": table.notes,
        "rows": [_model_row(row) for row in table if row["rung"] not in ("means", "1-gram")],
        "picture": _picture(account, title),
        "pictured": f"{title}: loss recovered by rung and by size, the numbers of the table above",
        "needs": {
            "heads": _needs("heads", account.heads),
            "neurons": _needs("neurons", account.neurons),
        },
        "heads": [_head(row) for row in costliest(account.heads)],
        "of_heads": len(account.heads),
        "glossary": MEANINGS,
        "terms": ACCOUNT_TERMS,
    }
    return write_page(path, "account_page", data)


def account_sentence(rows: Sequence[Row]) -> str:
    """The account of the whole model in a sentence, beside the best n-gram model."""
    share = "loss_recovered_unigram"
    both = max((row for row in rows if row["part"] == "both"), key=lambda row: row[share])
    language = max((row for row in rows if row["part"] == "language"), key=lambda row: row[share])
    return (
        "Run in the place of all heads and all neurons at once, the best rung "
        f"({both['rung']}) recovers {style.number(both[share])} of the way from the unigram model "
        f"to the model itself; the best n-gram model of the same text ({language['rung']}) "
        f"recovers {style.number(language[share])}."
    )


def costliest(heads: Iterable[Row]) -> list[Row]:
    """The heads whose mean ablation costs most, the costliest first."""
    return sorted(heads, key=lambda row: -row["ablation_loss_increase"])[:SHOWN_HEADS]


def _model_row(row: Row) -> dict[str, Any]:
    columns = (
        "nats", "loss_recovered", "loss_recovered_unigram", "unigram_low", "unigram_high",
        "parameters",
    )  # fmt: skip
    return {
        "part": NAMES[row["part"]],
        "rung": row["rung"],
        "language": row["part"] == "language",
        **{column: short(row[column]) for column in columns},
        "parameters": row["parameters"],
    }


def _picture(account: ModelAccount, title: str) -> str:
    """The picture as the address of an image that holds it."""
    file = io.BytesIO()
    with style.settings():
        draw_account(account.table, title).savefig(
            file, format="svg", metadata=style.METADATA[".svg"]
        )
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()


def _needs(name: str, rows: Iterable[Row]) -> dict[str, Any]:
    present, counts = needs_table(rows)
    return {
        "names": [need or NOTHING_KNOWN[name] for need in present],
        "colours": [style.NEEDS_COLOURS[need] for need in present],
        "inks": [style.ink_on(style.NEEDS_COLOURS[need]) for need in present],
        "layers": [[layer, *(count[need] for need in present)] for layer, count in counts.items()],
    }


def _head(row: Row) -> dict[str, Any]:
    rises = ("ablation_loss_increase", "ablation_loss_increase_low", "ablation_loss_increase_high")
    return {
        "layer": row["layer"],
        "head": row["head"],
        "needs": row["needs"],
        "cost": [short(row[name]) for name in rises],
        "ladder": _ladder(head_ladder(row)),
        "drawn_to": list(row["drawn_to"])[:SHOWN_TOKENS],
        "raises": list(row["raises"])[:SHOWN_TOKENS],
        "composes_with": list(row["composes_with"]),
    }


def _ladder(ladder: Ladder) -> dict[str, Any]:
    return {
        "rungs": ladder.rungs,
        "enough": ladder.enough,
        "lowest": short(ladder.lowest),
        "bars": [
            {
                "name": bars.name,
                "places": bars.places,
                "width": bars.width,
                "values": [
                    [short(value), short(low), short(high)]
                    for value, low, high in zip(bars.values, bars.low, bars.high, strict=True)
                ],
            }
            for bars in ladder.bars
        ],
    }

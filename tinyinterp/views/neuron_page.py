"""``neurons_layer4.html``: what each neuron of a layer fires on, to search and read."""

from __future__ import annotations

from pathlib import Path

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.account_data import account_settings
from tinyinterp.views.glossary import MEANINGS, NEURON_TERMS
from tinyinterp.views.needs import NEEDS, NO_NEURON_ACCOUNT
from tinyinterp.views.neuron_data import by_neuron, listed_neuron, neuron_data, shown_columns
from tinyinterp.views.page import write_page


def write_neuron_page(table: Table, top: Table, folder: Path) -> Path:
    """Write a page named after the table; it needs no other file and no network.

    Args:
        table: a row per neuron of one layer, with at least layer, neuron and kind.
        top: a row per hit, as in the table of top activations.

    Raises:
        OutputError: the folder cannot be written.
    """
    rows = sorted(table, key=lambda row: row["neuron"])
    hits = by_neuron(top, "rank")
    (layer,) = {row["layer"] for row in rows}
    columns, model = shown_columns(rows), table.notes.get("model", "")
    data = {
        "title": f"Neurons of layer {layer}" + (f" of {style.shown_name(model)}" if model else ""),
        "layer": layer,
        "hits": len(top),
        "notes": table.notes,
        "kinds": list(style.NEURON_COLOURS),
        "list": [listed_neuron(row, hits[row["neuron"]]) for row in rows],
        "columns": columns,
        "neurons": [neuron_data(row, columns, hits[row["neuron"]]) for row in rows],
        "settings": account_settings(),
        "no_account": "" if NEEDS in columns else NO_NEURON_ACCOUNT,
        "glossary": MEANINGS,
        "terms": NEURON_TERMS,
    }
    return write_page(folder / f"{table.name}.html", "neurons_page", data)

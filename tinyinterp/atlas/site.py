"""From the contents of an atlas to its files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from tinyinterp.atlas.contents import Atlas
from tinyinterp.atlas.data_files import write_data
from tinyinterp.atlas.neuron_data import CHUNK, NeuronSummary, write_neurons
from tinyinterp.atlas.tokens import CHUNK as TOKEN_CHUNK
from tinyinterp.io.files import write_text
from tinyinterp.run.components import Neuron
from tinyinterp.views import style
from tinyinterp.views.account_data import linked_neurons, model_account
from tinyinterp.views.glossary import (
    ACCOUNT_TERMS,
    HEAD_TERMS,
    MEANINGS,
    NEURON_TERMS,
    declared_meanings,
)
from tinyinterp.views.head_data import head_data, listed_heads, story_data
from tinyinterp.views.page import SCRIPTS, read_script, render_page, style_sheet

STATIC = Path(__file__).parent / "static"
# What a page may load: scripts and styles that lie beside it. Nothing is ever fetched.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
OWN = ("atlas", "finder", "search")  # scripts of every page, after those that all pages share


class Page(NamedTuple):
    """A page file: its name, that of its script, and its title."""

    name: str
    title: str


PAGES = (
    Page("index", "Overview"),
    Page("head", "Head"),
    Page("neuron", "Neuron"),
    Page("layer", "Layer"),
    Page("tag", "Tag"),
    Page("token", "Token"),
    Page("find", "Search"),
)


def write_atlas(atlas: Atlas, folder: Path) -> None:
    """Write the whole site into ``folder``; the same atlas gives the same bytes.

    Raises:
        OutputError: the folder cannot be written.
        SelectionError: the census of neurons cannot be read.
    """
    neurons = NeuronSummary()
    if atlas.neurons is not None:
        neurons = write_neurons(atlas.neurons, folder, atlas.account)
    _write_heads(atlas, folder)
    write_data(folder, "tokens", neurons.tokens)
    write_data(folder, "rules", _rules(atlas))
    write_data(folder, "index", _index(atlas, neurons))
    _write_pages(atlas, folder)


def _write_heads(atlas: Atlas, folder: Path) -> None:
    """A file of the stories, and one for each head."""
    write_data(folder, "stories", story_data(atlas.stories))
    account = atlas.account
    linked = linked_neurons(account.neurons.values()) if account else {}
    for row in atlas.heads:
        layer, head = row["layer"], row["head"]
        data = head_data(
            row,
            atlas.head_notes,
            atlas.stories,
            atlas.profiles[layer, head],
            account.heads.get((layer, head)) if account else None,
            linked.get(f"{layer}.{head}"),
        )
        write_data(folder, f"head-{layer}.{head}", data)


def _rules(atlas: Atlas) -> dict[str, list[str]]:
    """The rules of neurons that have some, by name, for the search."""
    rows = atlas.account.neurons.values() if atlas.account else ()
    return {
        str(Neuron(row["layer"], row["neuron"])): list(row["rules"])
        for row in rows
        if row.get("rules")
    }


def _write_pages(atlas: Atlas, folder: Path) -> None:
    for page in PAGES:
        shown = render_page(
            site=atlas.model_name,
            policy=POLICY,
            title=f"{page.title} · {atlas.model_name}",
            scripts=[*SCRIPTS, *OWN, page.name],
        )
        write_text(folder / f"{page.name}.html", shown)
    for name in SCRIPTS:
        write_text(folder / "static" / f"{name}.js", read_script(name))
    for name in (*OWN, *(page.name for page in PAGES)):
        write_text(folder / "static" / f"{name}.js", (STATIC / f"{name}.js").read_text("utf-8"))
    write_text(folder / "static" / "page.css", style_sheet())


def _index(atlas: Atlas, neurons: NeuronSummary) -> dict[str, Any]:
    """What every page knows: how much there is of everything, and what it is called."""
    quick = [atlas.quick] if atlas.quick else []
    warnings = [*quick, *atlas.head_notes.get("warnings", []), *neurons.warnings]
    account = atlas.account
    terms = [
        *HEAD_TERMS,
        *(NEURON_TERMS if neurons.layers else ()),
        *(ACCOUNT_TERMS if account else ()),
    ]
    notes = {"heads": atlas.head_notes, "neurons": neurons.notes}
    whole = (
        {"account": model_account(account.rows, account.layers, account.notes)} if account else {}
    )
    return whole | {
        "model": atlas.model_name,
        "text": atlas.text,
        "facts": atlas.facts,
        "certificate": atlas.certificate,
        "heads": listed_heads(atlas.heads, account and account.heads),
        "neurons": asdict(neurons)["layers"],
        "notes": notes | ({"account": account.notes} if account else {}),
        "warnings": list(dict.fromkeys(warnings)),
        "tags": neurons.tags,
        "n_tokens": len(neurons.tokens),
        "chunk": CHUNK,
        "token_chunk": TOKEN_CHUNK,
        "head_kinds": list(style.KIND_COLOURS),
        "neuron_kinds": list(style.NEURON_COLOURS),
        "glossary": MEANINGS | declared_meanings(atlas.head_notes),
        "terms": list(dict.fromkeys(terms)),
    }

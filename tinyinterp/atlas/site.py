"""From the contents of an atlas to its files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinyinterp.atlas.contents import Atlas
from tinyinterp.atlas.data_files import short, write_data
from tinyinterp.atlas.head_data import write_heads
from tinyinterp.atlas.neuron_data import CHUNK, NeuronSummary, write_neurons
from tinyinterp.atlas.tokens import CHUNK as TOKEN_CHUNK
from tinyinterp.io.files import write_text
from tinyinterp.views import style
from tinyinterp.views.kind_map import cell_words
from tinyinterp.views.page import kind_styles

STATIC = Path(__file__).parent / "static"
# What a page may load: scripts and styles that lie beside it. Nothing is ever fetched.
POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
SHARED = ("atlas", "dom", "search", "plots")  # scripts of every page, in this order


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
)


def write_atlas(atlas: Atlas, folder: Path) -> None:
    """Write the whole site into ``folder``; the same atlas gives the same bytes.

    Raises:
        OutputError: the folder cannot be written.
        SelectionError: the census of neurons cannot be read.
    """
    neurons = NeuronSummary()
    if atlas.neurons is not None:
        neurons = write_neurons(atlas.neurons, folder)
    write_heads(atlas, folder)
    write_data(folder, "tokens", neurons.tokens)
    write_data(folder, "index", _index(atlas, neurons))
    _write_pages(atlas, folder)


def _write_pages(atlas: Atlas, folder: Path) -> None:
    environment = Environment(
        loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    template = environment.get_template("page.html")
    for page in PAGES:
        scripts = [*SHARED, page.name]
        shown = template.render(
            policy=POLICY, title=page.title, model=atlas.model_name, scripts=scripts
        )
        write_text(folder / f"{page.name}.html", shown)
    for name in (*(f"{s}.js" for s in SHARED), *(f"{page.name}.js" for page in PAGES), "atlas.css"):
        write_text(folder / "static" / name, (STATIC / name).read_text("utf-8"))


def _index(atlas: Atlas, neurons: NeuronSummary) -> dict[str, Any]:
    """What every page knows: how much there is of everything, what it is called, its colours."""
    heads = [
        {
            "layer": row["layer"],
            "head": row["head"],
            "attention": row.get("attention", ""),
            "kind": row["kind"],
            "role": row.get("role", ""),
            "words": cell_words(row),
            "looks_at": row.get("looks_at", ""),
            "lift": short(row.get("looks_at_lift")),
        }
        for row in sorted(atlas.heads, key=lambda row: (row["layer"], row["head"]))
    ]
    warnings = [*atlas.head_notes.get("warnings", []), *neurons.warnings]
    return {
        "model": atlas.model_name,
        "text": atlas.text,
        "facts": atlas.facts,
        "certificate": atlas.certificate,
        "heads": heads,
        "neurons": asdict(neurons)["layers"],
        "notes": {"heads": atlas.head_notes, "neurons": neurons.notes},
        "warnings": list(dict.fromkeys(warnings)),
        "tags": neurons.tags,
        "n_tokens": len(neurons.tokens),
        "chunk": CHUNK,
        "token_chunk": TOKEN_CHUNK,
        "head_kinds": kind_styles(style.KIND_COLOURS),
        "neuron_kinds": kind_styles(style.NEURON_COLOURS),
        "attention_colours": style.ATTENTION_COLOURS,
    }

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyinterp.head_census.rows import HeadRow
from tinyinterp.views.glossary import ACCOUNT_TERMS, HEAD_TERMS, MEANINGS, NEURON_TERMS
from tinyinterp.views.style import KIND_COLOURS, NEURON_COLOURS

DOCS = Path(__file__).parents[2] / "docs"


def plain(markdown: str) -> str:
    """Without links, code marks and emphasis, on one line, in small letters."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[`*]", "", text).split()).lower()


GLOSSARY = plain((DOCS / "glossary.md").read_text("utf-8"))


@pytest.mark.parametrize("term", MEANINGS)
def test_the_glossary_has_the_same_words(term: str) -> None:
    for part in re.split(r"(?<=[.;]) ", MEANINGS[term]):
        assert plain(part).rstrip(".;") in GLOSSARY


def test_every_kind_and_every_listed_term_has_a_meaning() -> None:
    assert {*KIND_COLOURS, *NEURON_COLOURS, *HEAD_TERMS, *NEURON_TERMS, *ACCOUNT_TERMS} <= set(
        MEANINGS
    )


def test_a_term_is_a_kind_or_the_column_of_a_table() -> None:
    columns = {name.replace("_", " ") for name in HeadRow.__annotations__}
    assert set(HEAD_TERMS) <= columns | set(KIND_COLOURS)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_documents_lead_somewhere(page: Path) -> None:
    for name, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", page.read_text("utf-8")):
        target = page.parent / name if name else page
        headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
        assert anchor in slugs, f"{name}#{anchor}"

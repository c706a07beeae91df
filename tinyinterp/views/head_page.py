"""``heads.html``: the map of kinds, any head with its pattern under the mouse, and the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinyinterp.views import style
from tinyinterp.views.account_data import account_settings
from tinyinterp.views.census import HeadCensusLike
from tinyinterp.views.glossary import HEAD_TERMS, MEANINGS, declared_meanings
from tinyinterp.views.head_data import Story, head_data, listed_heads, story_data
from tinyinterp.views.needs import NEEDS, NO_ACCOUNT
from tinyinterp.views.page import write_page
from tinyinterp.views.report_rule import report_rule_sentences

MOST_OFFSETS = 64  # distances shown in a profile
# The numbers of the table of all heads: column and heading.
NUMBERS = {
    "sink": "S",
    "contrast": "C",
    "position_explained": "F",
    "place_explained": "V",
    "previous_token": "previous",
    "induction": "I",
    "duplicate_token": "D",
    "content_invariance": "invariance",
    "equivariance": "equivariance",
    "keeps": "keeps",
    "looks_at_lift": "lift",
    "ablation_loss_increase": "ablation",
    "surrogate_loss_increase": "surrogate",
    "report_r": "report r",
    "stability": "stability",
}


def write_head_page(
    census: HeadCensusLike, path: Path, pictures: Sequence[tuple[str, Sequence[str]]] = ()
) -> Path:
    """Write the page; it needs no other file and no network.

    Args:
        pictures: what lies beside it and is linked: what each shows, and its files.

    Raises:
        OutputError: the folder cannot be written.
    """
    rows = sorted(census.table, key=lambda row: (row["layer"], row["head"]))
    notes = census.table.notes
    declared = declared_meanings(notes)
    numbers = NUMBERS | {name.replace(" ", "_"): name for name in declared}
    stories = [Story(census.example_tokens, census.example_patterns)]
    profiles = census.profiles[:, :, :MOST_OFFSETS]
    data = {
        "title": f"Attention heads of {style.shown_name(census.model_name)}",
        "text": census.corpus_name,
        "warnings": census.warnings,
        "notes": notes,
        "kinds": list(style.KIND_COLOURS),
        "index": listed_heads(rows),
        "stories": story_data(stories),
        "heads": [
            head_data(row, notes, stories, profiles[row["layer"], row["head"]]) for row in rows
        ],
        "numbers": [(c, heading) for c, heading in numbers.items() if c in census.table.columns],
        "pictures": pictures,
        "comparison": report_rule_sentences(rows, notes.get("rule", "evidence")),
        "settings": account_settings(),
        "no_account": "" if NEEDS in census.table.columns else NO_ACCOUNT,
        "glossary": MEANINGS | declared,
        "terms": (*HEAD_TERMS, *declared),
    }
    return write_page(path, "heads_page", data)

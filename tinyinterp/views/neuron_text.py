"""Neurons as text for a person to read, in the form of the TinyStories student report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import pyarrow as pa

from tinyinterp.io.files import write_text
from tinyinterp.io.lines import WIDTH
from tinyinterp.io.table import Table
from tinyinterp.neuron_census.labels import NEXT_WORD, PART_OF_SPEECH, WORD
from tinyinterp.neuron_census.targets import NEXT, PREVIOUS
from tinyinterp.views.both_sides import both_sides
from tinyinterp.views.needs import NEEDS, neuron_needs

READ_FROM = {
    "post": "mlp.hook_post",
    "pre": "mlp.hook_pre",
    "report": "hook_resid_pre W_in + b_in, as the TinyStories student report did",
}
NULL_MODELS = ("random", "shuffled")
MARKS = "«»"  # around the token in its context
BREAKS = {"\n": "⏎", "\t": "⇥"}


def write_neuron_text(table: Table, top: pa.Table, folder: Path) -> Path:
    """Write ``top_activations_layer{L}.txt``: each neuron's numbers, then its top activations.

    Args:
        table: the neurons table of a layer.
        top: its largest activations, a row per hit.
        folder: must exist.
    """
    hits: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for hit in top.to_pylist():
        hits[hit["neuron"]].append(hit)
    lines = header_lines(table.notes)
    for row in table:
        lines += ["", "", *neuron_lines(row, hits[row["neuron"]])]
    path = folder / f"top_activations_layer{table.notes['layer']}.txt"
    write_text(path, "\n".join(lines) + "\n")
    return path


def neuron_lines(row: Mapping[str, Any], hits: Iterable[Mapping[str, Any]]) -> list[str]:
    """One neuron: its label, its numbers, its top activations."""
    return [*_numbers(row), "", *_activations(row, hits)]


def null_lines(notes: Mapping[str, Any]) -> list[str]:
    """The share of part-of-speech neurons in models that learned nothing; no line without them."""
    nulls = notes["nulls"]
    if not nulls:
        return []
    shares = [
        f"{nulls[name].get(PART_OF_SPEECH, 0):.1%} in the {name} model" for name in NULL_MODELS
    ]
    said = ", ".join(shares)
    return [f"Labelled {PART_OF_SPEECH} by chance: {said} ({nulls['tokens']:,} tokens)."]


def header_lines(notes: Mapping[str, Any]) -> list[str]:
    """What the numbers were measured on, and warnings."""
    layers = notes["layer"]
    named = (
        f"Layers {', '.join(map(str, layers))}" if isinstance(layers, list) else f"Layer {layers}"
    )
    measured = f"{named} of {visible(notes['model'])} on {visible(notes['text'])}"
    counted = f"{notes['test_tokens']:,} tokens of {notes['test_stories']:,} TEST stories"
    tags = (
        f"{notes['tags']} tags by {notes['tagger']}, {notes['coverage']:.1%} of the tokens scored"
    )
    ranks = f"on an even sample of {notes['sampled_tokens']:,} of them"
    lines = [
        f"{measured}: {notes['tokens']:,} tokens. Activations: {READ_FROM[notes['reading']]}.",
        f"Measured on {counted}; {tags}. AUROC, average precision and q: {ranks}.",
        "r is Pearson's correlation of the activation with having the tag, on all that are scored.",
        "A hit is a TEST token at which a neuron reaches half of its largest FIT activation.",
    ]
    lines += [f"Note: {warning}" for warning in notes["warnings"]]
    lines += null_lines(notes)
    return [part for line in lines for part in wrap(line, WIDTH)]


def visible(text: str) -> str:
    r"""Text on one line of a terminal: line breaks as ⏎, unprintable characters escaped.

    >>> visible("a\nb\x1b")
    'a⏎b\\x1b'
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else BREAKS.get(char) or char.encode("unicode_escape").decode()
        for char in text
    )


def _numbers(row: Mapping[str, Any]) -> list[str]:
    """The label, the numbers behind it, and the tokens that the neuron raises and lowers."""
    decided = {
        WORD: f": {_tokens(row['words'])}",
        PART_OF_SPEECH: f": {row['best_tag']}",
        NEXT_WORD: f": before {row['best_tag']}",
    }
    kind = row["kind"] + decided.get(row["kind"], "")
    active = f"above zero at {row['density']:.1%} of tokens"
    position = f"position explains {max(0.0, row['position_share']):.0%} of the variance"
    lines = [
        f"Neuron {row['neuron']} of layer {row['layer']}: {kind}",
        *([neuron_needs(row, row["kind"])] if NEEDS in row else []),
        f"maximum {row['max_activation']:.4g}; {active}; {position}",
    ]
    if row["hits"]:
        share = f"{row['word_share']:.0%} of the hits are {_tokens(row['words'])}"
        lines.append(f"{row['hits']:,} hits, {row['types']:,} token types; {share}")
    if row["best_tag"]:
        whose = {NEXT: "next word ", PREVIOUS: "previous word "}.get(row["best_target"], "")
        numbers = [_bounded("r", row, "tag_correlation"), _bounded("AUROC", row, "auroc")]
        numbers.append(f"token AUROC {row['token_auroc']:.3f}")
        lines.append(f"{whose}{row['best_tag']}: {', '.join(numbers)}")
        if row["hits"]:
            lines.append(f"{both_sides(row)}; lift {row['lift']:.1f}")
        precision = f"average precision {row['average_precision']:.3f}"
        lines.append(f"{_within(row)}; {precision}; q {row['q_value']:.2g}")
    lines += [f"{name} {_tokens(row[name])}" for name in ("raises", "lowers")]
    return [_cut(line) for line in lines]


def _bounded(name: str, row: Mapping[str, Any], column: str) -> str:
    """A number with its interval."""
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    return f"{name} {row[column]:.3f} [{low:.3f}, {high:.3f}]"


def _within(row: Mapping[str, Any]) -> str:
    if not row["within_word_tokens"]:
        return "no word occurs both with this tag and without it"
    return (
        f"within-word AUROC {row['within_word_auroc']:.3f} ({row['within_word_tokens']:,} tokens)"
    )


def _activations(row: Mapping[str, Any], hits: Iterable[Mapping[str, Any]]) -> list[str]:
    """The list in the report's form, three lines per hit."""
    lines = [f"Neuron {row['neuron']} top activations:"]
    for hit in hits:
        tag = f"  ({hit['tag']})" if hit["tag"] else ""
        lines += [
            _cut(f"Token: {visible(hit['token'])}{tag}"),
            f"Context: {_context(hit)}",
            f"Activation: {hit['activation']:.4f}",
        ]
    return lines


def _context(hit: Mapping[str, Any]) -> str:
    """The token between marks in its context, cut at both ends to fit the line."""
    token = visible(hit["token"])
    space = " " if token.startswith(" ") else ""
    middle = _cut(f"{MARKS[0]}{token.removeprefix(' ')}{MARKS[1]}", WIDTH // 2)
    room = (WIDTH - len("Context: ") - len(middle) - len(space)) // 2
    before, after = visible(hit["before"]), visible(hit["after"])
    if len(before) > room:
        before = "…" + before[len(before) - room + 1 :]
    return f"{before.removeprefix(' ')}{space}{middle}{_cut(after, room)}"


def _tokens(tokens: list[str]) -> str:
    """Tokens side by side, a leading space as a dot."""
    return "  ".join("·" + visible(t[1:]) if t.startswith(" ") else visible(t) for t in tokens)


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"

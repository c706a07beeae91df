"""Neurons as text: what a person reads, in the form that the report has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tinyinterp.io.files import replacing_file, write_text
from tinyinterp.io.table import Table
from tinyinterp.neuron_census.labels import NEXT_WORD, PART_OF_SPEECH, WORD
from tinyinterp.neuron_census.targets import NEXT

WIDTH = 100  # columns
READ = {
    "post": "mlp.hook_post",
    "pre": "mlp.hook_pre",
    "report": "the report's value (the stream at the block's input into the up-projection)",
}
NULL_MODELS = ("random", "shuffled")
MARKS = "«»"  # around the token in its context
BREAKS = {"\n": "⏎", "\t": "⇥"}


def write_top(table: Table, top: pa.Table, folder: Path) -> list[Path]:
    """Write the top activations as Parquet and, under each neuron's numbers, as text."""
    name = f"top_activations_layer{table.notes['layer']}"
    paths = [folder / f"{name}.{suffix}" for suffix in ("parquet", "txt")]
    with replacing_file(paths[0]) as temporary:
        parquet.write_table(top, temporary)
    hits = _by_neuron(top.to_pylist())
    lines = header_lines(table.notes)
    for row in table:
        lines += ["", "", *_numbers(row), "", *_activations(row, hits[row["neuron"]])]
    write_text(paths[1], "\n".join(lines) + "\n")
    return paths


def neuron_lines(row: Mapping[str, Any], hits: Iterable[Mapping[str, Any]]) -> list[str]:
    """One neuron: its label, its numbers, its top activations."""
    return [*_numbers(row), "", *_activations(row, hits)]


def null_lines(notes: Mapping[str, Any]) -> list[str]:
    """How many neurons the same table calls part-of-speech in models that learned nothing."""
    nulls = notes["nulls"]
    if not nulls:
        return []
    shares = [f"{nulls[name].get(PART_OF_SPEECH, 0):.1%} of the {name}" for name in NULL_MODELS]
    by_chance = f"{' and '.join(shares)} model's neurons ({nulls['tokens']:,} tokens)"
    return [f"Called {PART_OF_SPEECH} by chance: {by_chance}."]


def visible(text: str) -> str:
    r"""Text on one line of a terminal: line breaks as ⏎, what cannot be seen as an escape.

    >>> visible("a\nb\x1b")
    'a⏎b\\x1b'
    """
    return "".join(
        char if char.isprintable() else BREAKS.get(char) or char.encode("unicode_escape").decode()
        for char in text
    )


def _by_neuron(top: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    hits: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for hit in top:
        hits[hit["neuron"]].append(hit)
    return hits


def header_lines(notes: Mapping[str, Any]) -> list[str]:
    """What the numbers were measured on, and what to beware of."""
    layers = notes["layer"]
    named = (
        f"Layers {', '.join(map(str, layers))}" if isinstance(layers, list) else f"Layer {layers}"
    )
    where = f"{named} of {visible(notes['model'])} on {visible(notes['text'])}"
    side = f"{notes['test_tokens']:,} tokens of {notes['test_stories']:,} TEST stories"
    tags = (
        f"{notes['tags']} tags by {notes['tagger']}, {notes['coverage']:.1%} of the tokens scored"
    )
    ranks = f"an even sample of {notes['sampled_tokens']:,} of them"
    lines = [
        f"{where}: {notes['tokens']:,} tokens; {READ[notes['reading']]} is read.",
        f"Numbers are of {side}; {tags}. AUROC, average precision and q are of {ranks}.",
        "A hit is a TEST token on which a neuron reaches half of its largest value on FIT stories.",
    ]
    lines += [f"Note: {warning}" for warning in notes["warnings"]]
    lines += null_lines(notes)
    return [part for line in lines for part in wrap(line, WIDTH)]


def _numbers(row: Mapping[str, Any]) -> list[str]:
    """The label, what it rests on, and what the neuron does to the next token."""
    decided = {
        WORD: f": {_tokens(row['words'])}",
        PART_OF_SPEECH: f": {row['best_tag']}",
        NEXT_WORD: f": {row['best_tag']} comes next",
    }
    fires = f"largest {row['max_activation']:.4g}, above zero on {row['density']:.1%} of the tokens"
    kind = row["kind"] + decided.get(row["kind"], "")
    lines = [
        f"Neuron {row['neuron']} of layer {row['layer']}: {kind}",
        f"{fires}; position explains {max(0.0, row['position_share']):.0%}",
    ]
    if row["hits"]:
        share = f"{row['word_share']:.0%} of them {_tokens(row['words'])}"
        lines.append(f"{row['hits']:,} hits on {row['types']:,} token types, {share}")
    if row["best_tag"]:
        whose = "next " if row["best_target"] == NEXT else ""
        bounds = f"[{row['auroc_low']:.3f}, {row['auroc_high']:.3f}]"
        by_token = f"by token alone {row['token_auroc']:.3f}"
        purity = f"{row['purity']:.0%} of hits, {row['lift']:.1f} times its share"
        lines.append(
            f"{whose}{row['best_tag']}: AUROC {row['auroc']:.3f} {bounds}, {by_token}; {purity}"
        )
        lines.append(f"{_within(row)}; average precision {row['average_precision']:.3f}; {_q(row)}")
    lines += [f"{name} {_tokens(row[name])}" for name in ("raises", "lowers")]
    return [_cut(line) for line in lines]


def _within(row: Mapping[str, Any]) -> str:
    if not row["within_word_tokens"]:
        return "no word both has this tag and has it not"
    return (
        f"among words with and without it, {row['within_word_tokens']:,} tokens: "
        f"{row['within_word_auroc']:.3f}"
    )


def _q(row: Mapping[str, Any]) -> str:
    return f"q {row['q_value']:.2g}"


def _activations(row: Mapping[str, Any], hits: Iterable[Mapping[str, Any]]) -> list[str]:
    """The list in the report's form, three lines a hit."""
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
    """The token between marks in its surroundings, whose far ends are cut if need be."""
    token = visible(hit["token"])
    space = " " if token.startswith(" ") else ""
    middle = _cut(f"{MARKS[0]}{token.removeprefix(' ')}{MARKS[1]}", WIDTH // 2)
    room = (WIDTH - len("Context: ") - len(middle) - len(space)) // 2
    before, after = visible(hit["before"]), visible(hit["after"])
    if len(before) > room:
        before = "…" + before[len(before) - room + 1 :]
    return f"{before.removeprefix(' ')}{space}{middle}{_cut(after, room)}"


def _tokens(tokens: list[str]) -> str:
    """Tokens side by side; the space in front of most as a dot."""
    return "  ".join("·" + visible(t[1:]) if t.startswith(" ") else visible(t) for t in tokens)


def _cut(text: str, width: int = WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"

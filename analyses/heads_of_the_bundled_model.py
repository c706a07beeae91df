"""The heads of the bundled model: how many of each kind, against the report's rule, causally.

    python analyses/heads_of_the_bundled_model.py [--ckpt FOLDER|NAME] [--text FILE] [--full]

Reads a checkpoint (the bundled one) and a text (the bundled stories), writes
``figures/heads_of_the_bundled_model.md`` and, named in it, the pictures and the whole table. All
numbers of the page are those of the table.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

import tinyinterp
from tinyinterp.api import HEAD_TOKENS
from tinyinterp.head_census import HeadCensus
from tinyinterp.io.table import Table
from tinyinterp.views import markdown, style
from tinyinterp.views.causal_plot import draw_causal_check
from tinyinterp.views.explanation import explain_head
from tinyinterp.views.heads import head_label
from tinyinterp.views.kind_map import draw_kind_map
from tinyinterp.views.profiles import draw_profiles
from tinyinterp.views.report_rule import report_rule_sentences

FIGURES = Path(__file__).parent.parent / "figures"
NAME = "heads_of_the_bundled_model"
Row = dict[str, Any]


def main() -> None:
    """Take the census, draw, and write the page."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, help="default: the bundled stories")
    parser.add_argument("--ckpt", help="default: the bundled model")
    parser.add_argument("--full", action="store_true", help="read the whole text")
    options = parser.parse_args()
    model = tinyinterp.load(options.ckpt)
    limit = None if options.full else HEAD_TOKENS
    census = tinyinterp.heads(model, options.text, max_tokens=limit)
    Table(NAME, list(census.table), notes=census.table.notes).write(FIGURES)
    title = f"{model.name} model"
    pictures = {
        "kinds": draw_kind_map(census.table, f"Heads of the {title}"),
        "profiles": draw_profiles(census.profiles, census.table, f"Offset profiles, {title}"),
        "causal": draw_causal_check(census.table, f"Causal check, {title}"),
    }
    for name, figure in pictures.items():
        style.save(figure, FIGURES / f"{NAME}_{name}.png")
    path = FIGURES / f"{NAME}.md"
    path.write_text(page(census), "utf-8")
    print(f"wrote {path}")


def page(census: HeadCensus) -> str:
    """The page of prose, in Markdown."""
    table, notes = census.table, census.table.notes
    rows = list(table)
    parts = [
        f"# The heads of the {census.model_name} model",
        markdown.paragraph(
            f"Written by `python analyses/{NAME}.py`; every number comes from `{NAME}.csv`. "
            f"Measured on {notes['text']}: {notes['tokens']:,} tokens in {notes['sequences']} "
            f"sequences; the numbers are of the {notes['test_sequences']} TEST sequences, on which "
            f"nothing was fitted. The model's fingerprint is `{notes['fingerprint'][:12]}`."
        ),
        *[markdown.paragraph(f"Note: {warning}.") for warning in census.warnings],
        "## Kinds by layer",
        f"![Kinds of heads]({NAME}_kinds.png)",
        *_kinds(rows),
        "## What positional heads do, and what semantic heads look at",
        f"![Offset profiles]({NAME}_profiles.png)",
        *_roles(rows),
        "## Where the report's rule disagrees",
        markdown.paragraph(" ".join(report_rule_sentences(rows))),
        *_reach(rows, notes),
        *_apart(rows),
        "## What the causal check says",
        f"![Causal check]({NAME}_causal.png)",
        *_causal(rows),
        "## One head in words",
        "```text\n" + "\n".join(_in_words(census)) + "\n```",
        "## What this does not say",
        markdown.paragraph(
            "A kind says what a head's attention can be predicted from on this text; it does not "
            "say that the head does nothing else, nor that the model needs it. Unless another text "
            "is named above, the stories were sampled from the model itself, so they are easy for "
            "it. Parts of speech come from a rule-based tagger that was not made for TinyStories. "
            "Terms are defined in [the glossary](../docs/glossary.md)."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _kinds(rows: list[Row]) -> list[str]:
    layers = sorted({row["layer"] for row in rows})
    kinds = [kind for kind in style.KIND_COLOURS if any(row["kind"] == kind for row in rows)]
    lines = []
    for layer in layers:
        here = [row for row in rows if row["layer"] == layer]
        counts = Counter(row["kind"] for row in here)
        lines.append([f"{layer} ({here[0]['attention']})", *(counts[kind] or "" for kind in kinds)])
    whole = Counter(row["kind"] for row in rows)
    lines.append(["all", *(whole[kind] for kind in kinds)])
    peaks = [
        f"{kind} heads most in layer {_fullest(rows, kind)}" for kind in kinds if whole[kind] > 1
    ]
    said = f"Of {len(rows)} heads " + _listed(f"{whole[k]} are {k}" for k in kinds) + ". "
    return [
        markdown.table(["layer", *kinds], lines),
        markdown.paragraph(said + f"There are {_listed(peaks)}."),
    ]


def _fullest(rows: list[Row], kind: str) -> str:
    counts = Counter(row["layer"] for row in rows if row["kind"] == kind)
    most = max(counts.values())
    return _listed(str(layer) for layer in sorted(counts) if counts[layer] == most) + f" ({most})"


def _roles(rows: list[Row]) -> list[str]:
    parts = []
    for kind in ("positional", "semantic"):
        here = [row for row in rows if row["kind"] == kind]
        counts = Counter(row["role"] or "no role" for row in here)
        named = _listed(f"{count} {role}" for role, count in counts.most_common())
        parts.append(markdown.paragraph(f"The {len(here)} {kind} heads: {named or 'none'}."))
    roles = [
        row
        for row in rows
        if row["kind"] == "semantic" and row["role"] and row["role"] == row["looks_at"]
    ]
    if roles:
        parts.append(
            markdown.table(
                ["head", "looks at", "lift", "interval", "share of attention", "explains"],
                [
                    [
                        _name(row),
                        f"`{row['looks_at']}`",
                        f"{row['looks_at_lift']:.1f}",
                        style.interval(row["looks_at_low"], row["looks_at_high"]),
                        f"{row['looks_at_share']:.0%}",
                        f"{row['looks_at_tells']:.1%}",
                    ]
                    for row in sorted(roles, key=lambda row: -row["looks_at_tells"])
                ],
            )
        )
        parts.append(
            markdown.paragraph(
                "The lift is relative to what position alone would give, measured on stories on "
                "which the class was not chosen, with an interval over stories and over words. "
                "The last column is the share of what position leaves unexplained that the class "
                "explains: a head is never only its role."
            )
        )
    return parts


def _reach(rows: list[Row], notes: dict[str, Any]) -> list[str]:
    r = [abs(row["report_r"]) for row in rows]
    if max(r) > 0.5:
        return []
    return [
        markdown.paragraph(
            f"No causal pattern on the {notes['report_tokens']} tokens of that story could have "
            "been positional by this rule, not even one that follows distance exactly, because "
            "the zeros above the diagonal count. Its agreement on semantic heads is no merit. The "
            "rule is that of the [TinyStories student report](../docs/sources.md)."
        )
    ]


def _apart(rows: list[Row]) -> list[str]:
    apart = [
        row
        for row in rows
        if row["kind"] in ("positional", "semantic") and row["kind"] != row["report_label"]
    ]
    if not apart:
        return []
    lines = [
        [
            _name(row),
            head_label(row),
            f"{row['report_r']:.2f}",
            f"{row['value']:.2f}",
            row["causal_check"] or style.DASH,
        ]
        for row in apart
    ]
    return [markdown.table(["head", "by the evidence", "r", "F or V", "causal check"], lines)]


def _causal(rows: list[Row]) -> list[str]:
    parts = [
        markdown.paragraph(
            "A head's output is replaced by its mean, then its pattern by that of position alone. "
            "Position *keeps* one minus the second rise in loss over the first: more than half for "
            "a head that is positional in effect and not only in where it looks, less than half "
            "for a semantic one."
        )
    ]
    for kind, expected in (("positional", "more"), ("semantic", "less")):
        here = [row for row in rows if row["kind"] == kind]
        checks = Counter(row["causal_check"] for row in here)
        wrong = [_name(row) for row in here if row["causal_check"] == "contradicts"]
        kept = [row["position_keeps"] for row in here if row["position_keeps"] is not None]
        said = (
            f"There are {len(here)} {kind} heads, and position should keep {expected} than half. "
            f"The whole 95 % interval agrees for {checks['agrees']} of them and contradicts it for "
            f"{checks['contradicts']}"
        )
        said += f" ({_listed(wrong)})" if wrong else ""
        said += f"; for {checks['']} this text does not decide."
        if kept:
            said += f" The median of those that matter for the loss is {median(kept):.2f}."
        parts.append(markdown.paragraph(said))
    ranked = sorted(rows, key=lambda row: -row["ablation_loss_increase"])[:8]
    parts.append("The heads that the model needs most:")
    parts.append(
        markdown.table(
            ["head", "label", "rise without it", "interval", "position keeps", "interval"],
            [
                [
                    _name(row),
                    head_label(row),
                    f"{row['ablation_loss_increase']:.4f}",
                    f"{row['ablation_low']:.4f} to {row['ablation_high']:.4f}",
                    style.number(row["position_keeps"]),
                    style.interval(row["position_keeps_low"], row["position_keeps_high"]),
                ]
                for row in ranked
            ],
        )
    )
    sizes = sorted(row["ablation_loss_increase"] for row in rows)
    half = sizes[len(sizes) // 2]
    parts.append(
        markdown.paragraph(
            f"In nats per token. Without the median head the loss rises by {half:.4f}; "
            f"for {sum(row['ablation_low'] > 0 for row in rows)} of {len(rows)} heads the whole "
            "95 % interval lies above zero."
        )
    )
    return parts


def _in_words(census: HeadCensus) -> list[str]:
    """The explanation of the semantic head whose role explains most; else of any head."""
    semantic = [r for r in census.table if r["kind"] == "semantic" and r["role"] == r["looks_at"]]
    row = max(semantic or list(census.table), key=lambda row: row["looks_at_tells"] or 0)
    pattern = census.example_patterns[row["layer"]][row["head"]]
    return explain_head(row, census.table.notes, census.example_tokens, pattern)


def _name(row: Row) -> str:
    return f"{row['layer']}.{row['head']}"


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else "".join(words)


if __name__ == "__main__":
    main()

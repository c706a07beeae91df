"""An account as text: a small table with bars, and how many components need which rung."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinyinterp.views.account_data import NEEDS_ORDER, needs_by_layer
from tinyinterp.views.neuron_text import visible

BAR = 30  # characters of a bar that is full
FULL, EIGHTHS = "█", " ▏▎▍▌▋▊▉"
NAMES = {"heads": "heads", "neurons": "neurons", "both": "both", "language": "n-grams"}
NOTHING_KNOWN = {"heads": "no effect", "neurons": "constant"}  # in place of an empty ``needs``
Row = Mapping[str, Any]


def account_lines(rows: Sequence[Row], notes: Mapping[str, Any]) -> list[str]:
    """The account of the whole model: nats, loss recovered on both scales, a bar for the second.

    Args:
        rows: of the account.
        notes: of its table.
    """
    unigram = next(row["nats"] for row in rows if row["rung"] == "1-gram")
    lines = [
        (
            f"Nats per token on {notes['test_tokens']:,} TEST tokens: intact "
            f"{notes['nats_intact']:.3f}, unigrams {unigram:.3f}, everything at its mean "
            f"{notes['nats_at_means']:.3f}."
        ),
        "",
        f"{'replaced':8}  {'by':12} {'nats':>7}  recovered from",
        f"{'':8}  {'':12} {'':>7}  means  unigrams (95 % interval)",
    ]
    before = ""
    for row in rows:
        if row["rung"] in ("means", "1-gram"):
            continue
        part = NAMES[row["part"]]
        if row["part"] == "language":
            before = before or part
        shown = part if part != before else ""
        before = part
        share = row["loss_recovered_unigram"]
        bounds = f"[{_share(row['unigram_low'])}, {_share(row['unigram_high'])}]"
        lines.append(
            f"{shown:8}  {row['rung']:12} {row['nats']:7.3f}  {_share(row['loss_recovered']):>5}  "
            f"{_share(share):>5} {bounds:12} {bar(share)}".rstrip()
        )
    return lines


def needs_lines(heads: Iterable[Row], neurons: Iterable[Row]) -> list[str]:
    """How many heads and neurons need which rung, layer by layer."""
    lines = []
    for name, rows in (("heads", heads), ("neurons", neurons)):
        present, counts = needs_table(rows)
        titles = [each or NOTHING_KNOWN[name] for each in present]
        widths = [max(len(title), 6) for title in titles]
        lines += ["", f"What {name} need, by layer:"]
        lines.append("layer  " + "  ".join(t.rjust(w) for t, w in zip(titles, widths, strict=True)))
        for layer, count in counts.items():
            cells = (f"{count[each]:,}".rjust(w) for each, w in zip(present, widths, strict=True))
            lines.append(f"{layer:5}  " + "  ".join(cells))
    return lines


def needs_table(rows: Iterable[Row]) -> tuple[list[str], dict[int, Counter[str]]]:
    """What is needed at all, the lowest rung first, and by how many components of each layer."""
    counts = {layer: Counter(count) for layer, count in needs_by_layer(rows).items()}
    present = [each for each in NEEDS_ORDER if any(count[each] for count in counts.values())]
    return present, counts


def weight_lines(heads: Iterable[Row], neurons: Iterable[Row]) -> list[str]:
    """The heads that copy or suppress, and how many neurons there are of each family."""
    lines = ["Heads that copy, or suppress what they attend to:"]
    for row in heads:
        words = [word for word in (row["copies"], row["copies_names"]) if word]
        if words:
            raised = " ".join(map(visible, row["raises"][:5]))
            reads = ", ".join(row["composes_with"]) or "none beyond chance"
            lines.append(
                f"  {row['layer']}.{row['head']}  {', '.join(words)}; copy rank "
                f"{row['copy_rank']:,.0f}; raises {raised}; composes with {reads}"
            )
    families = Counter(row["family"] or "none of them" for row in neurons)
    counted = ", ".join(f"{name} {count:,}" for name, count in sorted(families.items()))
    return [*lines, "", f"Families of neurons: {counted}"]


def bar(share: float | None) -> str:
    """A share as a bar of block characters; nothing for one that is negative or not known.

    >>> bar(0.5), bar(-0.2), bar(None)
    ('███████████████', '', '')
    """
    if share is None or not share > 0:
        return ""
    eighths = round(min(share, 1.0) * BAR * 8)
    return FULL * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _share(value: float | None) -> str:
    """A share in two decimals, without the leading zero."""
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return "–"
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"

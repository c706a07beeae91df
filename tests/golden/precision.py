"""How far labels and numbers of the bundled model depend on the precision that it computes in.

``PYTHONPATH=tests:. python -m golden.precision`` prints the table of docs/limits.md, in minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from golden.tables import NULL_TOKENS, Row, model_in, rows_of

from tinyinterp.head_census import HeadSettings, census_heads
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings, census_neurons

TOKENS = 8_000
# What is compared of heads and of neurons: each number, and the labels that say what it is about.
NUMBERS = {
    "value": ("decided_by",),
    "contrast": (),
    "position_explained": (),
    "place_explained": (),
    "previous_token": (),
    "sink": (),
    "induction": (),
    "report_r": (),
    "tag_correlation": ("best_tag", "best_target"),
    "auroc": ("best_tag", "best_target"),
    "position_share": (),
    "max_activation": (),
    "mean_activation": (),
}


@dataclass(frozen=True)
class Moved:
    """Two tables of the same components, compared."""

    rows: int
    kinds: int  # that differ
    chosen: int  # roles of heads, or best tags of neurons, that differ
    largest: dict[str, float]  # change of each number


def moved(before: Sequence[Row], after: Sequence[Row]) -> Moved:
    """What moves from one table to the other."""
    chosen = "role" if "role" in before[0] else "best_tag"
    pairs = list(zip(before, after, strict=True))
    return Moved(
        rows=len(pairs),
        kinds=sum(a["kind"] != b["kind"] for a, b in pairs),
        chosen=sum(a[chosen] != b[chosen] for a, b in pairs),
        largest={
            name: max(
                abs(float(a[name]) - float(b[name]))
                for a, b in pairs
                if a[name] and b[name] and all(a[label] == b[label] for label in about)
            )
            for name, about in NUMBERS.items()
            if name in before[0]
        },
    )


def heads_of(model: Model) -> Table:
    """Every head, without causal checks, which decide no label."""
    settings = HeadSettings(null_tokens=NULL_TOKENS, causal=False)
    return census_heads(model, model.corpus(max_tokens=TOKENS), settings).table


def neurons_of(model: Model) -> Table:
    """Every neuron of every layer."""
    settings = NeuronSettings(null_tokens=NULL_TOKENS)
    return census_neurons(model, model.corpus(max_tokens=TOKENS), settings).table


def main() -> None:
    """Print what moves from fp32."""
    measures: dict[str, Callable[[Model], Table]] = {"heads": heads_of, "neurons": neurons_of}
    for name, measure in measures.items():
        fp32 = rows_of(measure(model_in()))
        for dtype in (torch.float64, torch.bfloat16):
            found = moved(fp32, rows_of(measure(model_in(dtype))))
            numbers = ", ".join(f"{key} {value:.1g}" for key, value in found.largest.items())
            sys.stdout.write(
                f"{name}, {dtype}: {found.kinds} kinds and {found.chosen} roles or tags "
                f"of {found.rows}; {numbers}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()

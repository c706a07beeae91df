"""An account that nobody took: the columns of a real one, text that tries to break out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.views.examples import HOSTILE
from tinyinterp.io.table import Table
from tinyinterp.results import Account

RUNGS = ("position", "tokens", "predecessor", "trigram", "gist")
LADDER = 3  # rungs that a head can need
PREDICTORS = ("position", "token", "predecessor", "trigram", "gist", "tag", "tag_pair")
NEEDS = ("position", "tokens", "predecessor", "context", "")
NEURON_NEEDS = ("position", "token", "predecessor", "context", "")


def share(name: str, value: float, reach: float = 0.05) -> dict[str, float]:
    return {name: value, f"{name}_low": value - reach, f"{name}_high": value + reach}


def make_account(n_layers: int = 3, n_heads: int = 7, d_mlp: int = 11) -> Account:
    """``share`` of part and rung grows with both; the numbers are otherwise arbitrary."""
    random = np.random.default_rng(5)
    notes: dict[str, Any] = {
        "model": f"tiny {HOSTILE}",
        "text": HOSTILE,
        "fit_text": "fit $x$",
        "fit_tokens": 12_007,
        "test_tokens": 2_003,
        "nats_intact": 1.5,
        "nats_at_means": 7.25,
        "attribution_r": {},
    }
    rows: list[dict[str, Any]] = []
    for part, base in (("heads", 0.5), ("neurons", 0.25), ("both", 0.125)):
        rows.append(model_row(part, "means", -1.5, 101))
        rows += [
            model_row(part, rung, base * (number + 1) / 2.5 - 0.1, 1009 * 10**number)
            for number, rung in enumerate(RUNGS)
        ]
    rows += [model_row("language", f"{n}-gram", 0.0625 * (n - 1), 13**n) for n in range(1, 6)]
    heads = [
        head_row(layer, head, NEEDS[(layer * n_heads + head) % 5], float(random.random()))
        for layer in range(n_layers)
        for head in range(n_heads)
    ]
    neurons = [
        neuron_row(layer, neuron, NEURON_NEEDS[(layer + neuron) % 5])
        for layer in range(n_layers)
        for neuron in range(d_mlp)
    ]
    return Account(
        Table("account", rows, notes=notes),
        Table("account_heads", heads, notes=notes),
        Table("account_neurons", neurons, notes=notes),
        Table("account_layers", [], notes=notes),
    )


def model_row(part: str, rung: str, value: float, parameters: int) -> dict[str, Any]:
    return {
        "part": part,
        "rung": rung,
        "nats": 4.0 - value,
        "loss_recovered": value / 2 + 0.5,
        "loss_recovered_unigram": value,
        "low": value / 2 + 0.4,
        "high": value / 2 + 0.6,
        "unigram_low": value - 0.03,
        "unigram_high": value + 0.05,
        "parameters": parameters,
    }


def head_row(layer: int, head: int, needs: str, cost: float) -> dict[str, Any]:
    row: dict[str, Any] = {"layer": layer, "head": head, "needs": needs}
    for number, rung in enumerate(RUNGS):
        row |= share(f"explained_{rung}", (number + 1) / 5)
    for number, rung in enumerate(RUNGS[:LADDER]):
        row |= share(f"keeps_{rung}", (number - 1) / 3 if needs else math.nan)
    row |= share("ablation_loss_increase", cost if needs else 0.0)
    return row | {
        "drawn_to": [HOSTILE, "\n", " once"],
        "raises": [HOSTILE, " \u202e"],
        "composes_with": ["0.1"],
    }


def neuron_row(layer: int, neuron: int, needs: str) -> dict[str, Any]:
    row: dict[str, Any] = {"layer": layer, "neuron": neuron, "needs": needs}
    for number, name in enumerate(PREDICTORS):
        row |= share(f"r2_{name}", (number - 1) / 8 if needs else math.nan)
    return row

"""A small atlas: two layers of three heads, 131 neurons in one and 5 in the other, hostile text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tests.views.examples import HOSTILE, KINDS, causal_pattern, full_row
from tinyinterp.atlas import Atlas
from tinyinterp.views.head_data import Story

N_LAYERS, N_HEADS, N_OFFSETS = 2, 3, 7
NEURONS = (131, 5)  # one chunk and a part of the next; less than one
NEURON_KINDS = ("word", "part-of-speech", "mixed", "dead", "position")
TOKENS = (" dog", "\n", HOSTILE, " \U0001f600", "\u202e", '"', "<0xF0>", " cat", "'")


def make_atlas(neurons: Path | None) -> Atlas:
    """The contents; ``neurons`` is a folder that :func:`write_census` filled."""
    heads = [
        full_row(layer, head, KINDS[(layer * N_HEADS + head) % len(KINDS)])
        for layer in range(N_LAYERS)
        for head in range(N_HEADS)
    ]
    heads[1] |= {"role": HOSTILE, "looks_at": "token ' dog'", "looks_at_lift": float("nan")}
    stories = [
        Story(
            tokens=["<|endoftext|>", *TOKENS][:n_tokens],
            patterns={layer: causal_pattern(N_HEADS, n_tokens, layer) for layer in range(N_LAYERS)},
        )
        for n_tokens in (7, 5)
    ]
    return Atlas(
        model_name=f"tiny {HOSTILE}",
        text="three stories",
        facts=[("Shape", [("width", HOSTILE)])],
        certificate=[
            {"reference": "own decoder", "limit": 1e-4, "worst": {"logits": 1e-7}, "passed": True}
        ],
        heads=heads,
        head_notes={"tokens": 97, "text": "three stories", "warnings": [f"few {HOSTILE}"]},
        stories=stories,
        profiles=np.random.default_rng(3).random((N_LAYERS, N_HEADS, N_OFFSETS)),
        neurons=neurons,
    )


def write_census(folder: Path, *, optional: bool = True) -> Path:
    """A census of neurons as ``tinyinterp neurons`` leaves it, or only what it must have."""
    for layer, n_neurons in enumerate(NEURONS):
        numbers = range(n_neurons)
        _write(folder, "neurons", layer, [neuron_row(layer, n) for n in numbers])
        if optional:
            for name, sign in (("top", 1), ("bottom", -1)):
                hits = [_hit(layer, n, rank, sign) for n in numbers for rank in (1, 2, 3)]
                _write(folder, f"{name}_activations", layer, hits[::-1])
            _write(folder, "associations", layer, [r for n in numbers for r in _tags(layer, n)])
            counts = [
                {"layer": layer, "neuron": n, "low": -0.5, "high": n + 1.0, "counts": [n, 0, 2]}
                for n in numbers
            ]
            _write(folder, "histograms", layer, counts)
    return folder


def neuron_row(layer: int, neuron: int) -> dict[str, Any]:
    return {
        "layer": layer,
        "neuron": neuron,
        "kind": NEURON_KINDS[neuron % len(NEURON_KINDS)],
        "best_tag": "NOUN" if neuron % 2 else "",
        "auroc": 0.5 + neuron / 300,
        "max_activation": neuron + 1.0,
        "density": 0.25,
        "raises": [TOKENS[neuron % len(TOKENS)]],
        "lowers": [" never"],
    }


def _hit(layer: int, neuron: int, rank: int, sign: int) -> dict[str, Any]:
    return {
        "layer": layer,
        "neuron": neuron,
        "rank": rank,
        "activation": sign * (neuron + 1.0) / rank,
        "token": TOKENS[(neuron + rank) % len(TOKENS)],
        "before": f" before\n{HOSTILE}",
        "after": f"{HOSTILE}\t after",
        "tag": "NOUN",
        "story": rank,
        "position": neuron,
    }


def _tags(layer: int, neuron: int) -> list[dict[str, Any]]:
    about = {"layer": layer, "neuron": neuron, "purity": 0.5, "lift": 2.0, "q_value": 0.01}
    scores = {"NOUN": 0.5 + neuron / 300, "VERB": 0.9 - neuron / 300, "PRP$": 0.5}
    return [
        about | {"target": target, "tag": tag, "tested": tag != "PRP$", "auroc": auroc - far,
                 "auroc_low": auroc - far - 0.01, "auroc_high": auroc - far + 0.01}
        for tag, auroc in scores.items()
        for far, target in ((0.0, "current"), (0.05, "next"))
    ]  # fmt: skip


def _write(folder: Path, name: str, layer: int, rows: list[dict[str, Any]]) -> None:
    notes = {"model": "tiny", "text": "three stories", "tokens": 89, "warnings": ["few stories"]}
    table = pa.Table.from_pylist(rows).replace_schema_metadata({"tinyinterp": json.dumps(notes)})
    parquet.write_table(table, folder / f"{name}_layer{layer}.parquet")

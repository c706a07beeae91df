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
from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.views.head_data import Story

N_LAYERS, N_HEADS, N_OFFSETS = 2, 3, 7
NEURONS = (131, 5)  # one chunk and a part of the next; less than one
NEURON_KINDS = ("word", "part-of-speech", "mixed", "dead", "position")
TOKENS = (" dog", "\n", HOSTILE, " \U0001f600", "\u202e", '"', "<0xF0>", " cat", "'")


def make_atlas(neurons: Path | None, account: FinishedAccount | None = None) -> Atlas:
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
        account=account,
    )


HEAD_NEEDS = ("position", "tokens", "predecessor", "context", "", "tokens")
NEURON_NEEDS = ("token", "position", "context", "predecessor", "")


def make_account() -> FinishedAccount:
    """An account of the same heads and neurons; head 1.1 has no effect, neuron 0.4 is constant."""
    heads = {
        (layer, head): account_of_head(layer, head)
        for layer in range(N_LAYERS)
        for head in range(N_HEADS)
    }
    neurons = {
        (layer, neuron): account_of_neuron(layer, neuron)
        for layer, n_neurons in enumerate(NEURONS)
        for neuron in range(n_neurons)
    }
    notes = {"test_tokens": 1009, "nats_intact": 1.5, "nats_at_means": 9.25, "text": HOSTILE}
    rungs = ("means", "position", "tokens", "predecessor", "trigram")
    replaced = [(part, rung) for part in ("heads", "neurons", "both") for rung in rungs]
    language = [("language", f"{order}-gram") for order in range(1, 6)]
    rows = [
        {"part": part, "rung": rung, "nats": 5 - i / 7, "loss_recovered": i / 20, "low": i / 20,
         "high": i / 19, "loss_recovered_unigram": -0.5 + i / 20, "parameters": 1013 * i,
         "unigram_low": None if rung == "1-gram" else -0.6 + i / 20, "unigram_high": i / 20}
        for i, (part, rung) in enumerate(replaced + language)
    ]  # fmt: skip
    layers = [
        {"layer": layer, "rung": rung, "keeps": 0.4, "keeps_low": 0.3, "keeps_high": 0.5,
         "ablation_loss_increase": 0.75}
        for layer in range(N_LAYERS)
        for rung in ("position", "token", "predecessor", "trigram")
    ]  # fmt: skip
    return FinishedAccount(notes, rows, heads, neurons, layers)


def account_of_head(layer: int, head: int) -> dict[str, Any]:
    needs = HEAD_NEEDS[layer * N_HEADS + head]
    row: dict[str, Any] = {"layer": layer, "head": head, "needs": needs}
    for i, rung in enumerate(("position", "tokens", "predecessor", "trigram")):
        for name, share in (("explained", 0.3 + i / 10), ("keeps", -0.1 + i / 3)):
            known = needs or name == "explained"
            row[f"{name}_{rung}"] = share if known else None
            row[f"{name}_{rung}_low"] = share - 0.05 if known else None
            row[f"{name}_{rung}_high"] = share + 0.05 if known else None
    return row | {
        "ablation_loss_increase": 0.125, "ablation_loss_increase_low": 0.1,
        "ablation_loss_increase_high": 0.15, "drawn_to": [" dog", HOSTILE], "copying": 0.5,
        "copy_rank": 2.0, "name_copy_rank": None, "copies": "copying", "copies_names": "",
        "raises_at": [" dog"], "raises": [HOSTILE], "lowers": ["\n"],
        "composes_with": ["K 0.2", "V 0.1"] if layer else [],
        "head_read_by": [] if layer else ["Q 1.0"], "composition": [7.25, 3.5] if layer else [],
    }  # fmt: skip


def account_of_neuron(layer: int, neuron: int) -> dict[str, Any]:
    needs = NEURON_NEEDS[neuron % len(NEURON_NEEDS)]
    row: dict[str, Any] = {"layer": layer, "neuron": neuron, "needs": needs}
    for i, rung in enumerate(("position", "token", "predecessor", "trigram", "tag", "tag_pair")):
        share = 0.2 + i / 10 if needs else None
        row[f"r2_{rung}"] = share
        row[f"r2_{rung}_low"] = None if share is None else share - 0.05
        row[f"r2_{rung}_high"] = None if share is None else share + 0.05
    effects = {f"effect_{name}": 1e-3 for name in ("mean", "position", "token")}
    rules = {
        "rules": [f"a [{HOSTILE}]"] if neuron else [], "rules_precision": 0.75,
        "rules_recall": 0.5, "rules_f1": 0.6, "token_f1": 0.35,
    }  # fmt: skip
    links = {"family": "prediction", "in_out_cosine": 0.125, "written_by": ["0.1"],
             "read_by": ["K 1.2", "V 1.2"] if layer == 0 else []}  # fmt: skip
    return row | effects | rules | links


def write_census(folder: Path, *, optional: bool = True) -> Path:
    """A census of neurons as ``tinyinterp neurons`` leaves it, or only what it must have."""
    for layer, n_neurons in enumerate(NEURONS):
        numbers = range(n_neurons)
        _write(folder, "neurons", layer, [neuron_row(layer, n) for n in numbers])
        if optional:
            for name, sign in (("top", 1), ("bottom", -1)):
                hits = [_hit(layer, n, rank, sign) for n in numbers for rank in (1, 2, 3)]
                _write(folder, f"{name}_activations", layer, hits[::-1])
            ranged = [
                _hit(layer, n, rank, 1) | {"band": band, "share": 0.5}
                for n in numbers
                for band in ("top", "below zero")
                for rank in (1, 2)
            ]
            _write(folder, "range_activations", layer, ranged)
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

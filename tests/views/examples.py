"""Examples of what views are given: small, of prime sizes, with text that tries to break out."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tinyinterp.io.table import Table

HOSTILE = "</script><img src=x onerror=alert(1)>"
KINDS = ("positional", "semantic", "mixed", "diffuse", "sink", "undetermined")


@dataclass(frozen=True)
class Census:
    table: Table
    model_name: str
    corpus_name: str
    example_tokens: list[str]
    example_patterns: MappingProxyType[int, np.ndarray]
    profiles: np.ndarray
    warnings: list[str]


def causal_pattern(n_heads: int, n_tokens: int, seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).random((n_heads, n_tokens, n_tokens)) ** 4
    raw = raw * np.tri(n_tokens)
    return raw / raw.sum(-1, keepdims=True)


def full_row(layer: int, head: int, kind: str, **others: object) -> dict[str, object]:
    """A row with the columns that explanations and the causal plot read."""
    row: dict[str, object] = {
        "layer": layer,
        "head": head,
        "attention": "global",
        "kind": kind,
        "role": "nearest: positional" if kind == "undetermined" else "",
        "decided_by": {"sink": "sink", "diffuse": "contrast"}.get(
            kind, "max(position, place)_explained"
        ),
        "value": 0.7,
        "low": 0.65,
        "high": 0.75,
        "q_value": 0.002,
        "stability": 0.99,
        "induction": 0.01,
        "duplicate_token": 0.02,
        "sink": 0.4,
        "contrast": 0.3,
        "position_explained": 0.7,
        "place_explained": 0.69,
        "content_invariance": 0.91,
        "equivariance": 0.06,
        "report_r": -0.12,
        "report_label": "semantic",
        "ablation_loss_increase": 0.02,
        "ablation_low": 0.015,
        "ablation_high": 0.025,
        "surrogate_loss_increase": 0.003,
        "surrogate_low": -0.001,
        "surrogate_high": 0.005,
        "position_keeps": 0.85,
        "position_keeps_low": 0.7,
        "position_keeps_high": 1.0,
        "causal_check": "agrees" if kind in ("positional", "semantic") else "",
        "looks_at": "NOUN",
        "looks_at_lift": 1.2,
        "looks_at_low": 1.1,
        "looks_at_high": 1.3,
        "looks_at_share": 0.3,
        "looks_at_tells": 0.01,
    }
    return row | others


def make_census(n_layers: int, n_heads: int, n_tokens: int) -> Census:
    rows = [
        {
            "layer": layer,
            "head": head,
            "attention": "local" if layer % 2 else "global",
            "kind": KINDS[(layer * n_heads + head) % len(KINDS)],
            "role": HOSTILE if head == 1 else "",
            "decided_by": "contrast",
            "value": float("nan") if head == 0 else 0.25,
            "low": 0.125,
            "high": 0.375,
            "sink": 0.5,
            "contrast": float("nan") if head == 0 else 0.25,
        }
        for layer in range(n_layers)
        for head in range(n_heads)
    ]
    tokens = ["<|endoftext|>", " $x^2$", "\n", HOSTILE, "\x00", " \U0001f600", "\u202e", "\u4e2d"]
    tokens = (tokens * n_tokens)[:n_tokens]
    patterns = {layer: causal_pattern(n_heads, n_tokens, layer) for layer in range(n_layers)}
    return Census(
        Table("heads", rows, notes={"text": HOSTILE, "stories": 17}),
        f"model {HOSTILE}",
        "stories \U0001f600 $1",
        tokens,
        MappingProxyType(patterns),
        np.random.default_rng(7).random((n_layers, n_heads, n_tokens)),
        [f"few stories {HOSTILE}"],
    )

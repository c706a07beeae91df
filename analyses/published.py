"""Numbers that the TinyStories student report published, for comparison; nothing is measured here.

The tables are those of docs/sources.md's second document (Rathod, Joishy, Narain 2024); a row that
its text lacks and its public code or data has says so. Models are named as there: width, layers,
heads.
"""

from __future__ import annotations

# Table 1, "Evaluation of Model Configurations on TinyStories Dataset": evaluation loss (nats per
# token), and Gemini 1.5 Flash's scores from 0 to 10, means over 10 stories judged twice each (the
# number is that of its scripts/evaluate_selftrained.py).
SIZES: dict[str, dict[str, float]] = {
    "128-8-4": {"loss": 2.00, "creativity": 1.9, "grammar": 2.7, "consistency": 1.8, "plot": 2.1},
    "128-12-4": {
        "loss": 1.96, "creativity": 2.1, "grammar": 3.15, "consistency": 2.55, "plot": 2.15,
    },
    "256-8-2": {"loss": 1.60, "creativity": 2.4, "grammar": 4.8, "consistency": 4.55, "plot": 3.45},
    "256-8-4": {
        "loss": 1.59, "creativity": 2.15, "grammar": 3.85, "consistency": 3.7, "plot": 2.65,
    },
    "256-8-8": {"loss": 1.58, "creativity": 2.5, "grammar": 5.6, "consistency": 5.75, "plot": 3.5},
    "256-12-4": {"loss": 1.55, "creativity": 2.25, "grammar": 4.9, "consistency": 4.2, "plot": 2.8},
    "512-8-4": {"loss": 1.33, "creativity": 2.6, "grammar": 5.85, "consistency": 4.7, "plot": 3.65},
    "512-12-4": {"loss": 1.30, "creativity": 2.55, "grammar": 6.0, "consistency": 5.8, "plot": 4.2},
}  # fmt: skip
CRITERIA = ("grammar", "creativity", "consistency", "plot")

# Figures 5 to 18, means over 100 stories of the lists in its data/comp_orig_rouge and
# data/max_rouge2_self: precision with the original, prompt included; largest F with another.
ROUGE: dict[str, dict[str, float]] = {
    "128-8-4": {"original_precision": 0.346, "self_f": 0.348},
    "128-12-4": {"original_precision": 0.408, "self_f": 0.311},
    "256-8-4": {"original_precision": 0.414, "self_f": 0.247},
    "256-12-4": {"original_precision": 0.417, "self_f": 0.240},
    "512-8-4": {"original_precision": 0.443, "self_f": 0.221},
    "512-12-4": {"original_precision": 0.431, "self_f": 0.218},
}


def by_criterion() -> dict[str, dict[str, float]]:
    """Table 1's scores by criterion, each a value of every model, as ``agreement_table`` takes."""
    return {name: {size: row[name] for size, row in SIZES.items()} for name in CRITERIA}

"""Which measures of a neuron and a tag notice that half of the tag is missing, or as much is added.

    python analyses/sanity_checks_of_measures.py

The two sanity checks of NeuronEval (Oikarinen, Yan and Weng, ICML 2025, arXiv 2506.05774), on
neurons planted to fire on one class of tokens. *Missing labels*: each token of the class loses its
label with chance one half. *Extra labels*: other tokens get the label at random, about as many as
have it. A measure passes where its score falls by more than a thousandth of its range. Writes
``figures/sanity_checks_of_measures.md``; r, AUROC, average precision and hits are computed as the
census of neurons computes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.association import associate
from tinyinterp.neuron_census.correlation import TagSums, correlate
from tinyinterp.neuron_census.sample import Sample
from tinyinterp.neuron_census.sides import hit_level
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.tagging import TagSet
from tinyinterp.text.sequences import N_BLOCKS
from tinyinterp.views import markdown

FIGURES = Path(__file__).parent.parent / "figures"
NAME = "sanity_checks_of_measures"
TARGETS = Targets(TagSet("class", ("with", "without")))
WITH, WITHOUT = 0, 1
RANGES = {  # of each measure
    "Pearson's r": 2.0,
    "F1 of hits": 1.0,
    "average precision": 1.0,
    "AUROC": 1.0,
    "precision of hits": 1.0,
    "recall of hits": 1.0,
}
LEAST_FALL = 0.001  # of the range, that passes: NeuronEval's epsilon
TOKENS = 200_000
SHARES = (0.25, 0.1, 0.01, 0.001)  # of the tokens that are of the class
SEEDS = range(3)
NOISE = 0.1  # deviation of an activation, where the class has 1


@dataclass(frozen=True)
class Fall:
    """By how much a score falls when labels are missing and when there are extra ones."""

    missing: float
    extra: float

    @property
    def passes(self) -> bool:
        """Whether the measure notices both."""
        return min(self.missing, self.extra) > LEAST_FALL


def main() -> None:
    """Plant, check, and write the page."""
    found = {share: mean_falls(share) for share in SHARES}
    path = FIGURES / f"{NAME}.md"
    path.write_text(page(found), "utf-8")
    print(f"wrote {path}")


def planted(
    share: float, seed: int, tokens: int = TOKENS
) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """Activations of a neuron that fires on a class, and which tokens are of the class."""
    random = np.random.default_rng(seed)
    labels = random.random(tokens) < share
    values = np.maximum(labels + NOISE * random.standard_normal(tokens), 0.0)
    return values.astype(np.float32), labels


def mean_falls(share: float, seeds: Iterable[int] = SEEDS) -> dict[str, Fall]:
    """The falls of every measure, a mean over planted neurons."""
    each = [falls(*planted(share, seed), seed) for seed in seeds]
    return {
        name: Fall(
            float(np.mean([found[name].missing for found in each])),
            float(np.mean([found[name].extra for found in each])),
        )
        for name in RANGES
    }


def falls(
    values: Float[np.ndarray, " row"], labels: Bool[np.ndarray, " row"], seed: int
) -> dict[str, Fall]:
    """By how much of its range each measure falls under both changes of the labels."""
    random = np.random.default_rng((seed, len(labels)))
    draws = random.random(len(labels))
    missing = labels & (draws < 0.5)
    extra = labels | (draws < labels.sum() / (~labels).sum())
    whole, fewer, more = (scores(values, changed) for changed in (labels, missing, extra))
    return {
        name: Fall((whole[name] - fewer[name]) / size, (whole[name] - more[name]) / size)
        for name, size in RANGES.items()
    }


def scores(values: Float[np.ndarray, " row"], labels: Bool[np.ndarray, " row"]) -> dict[str, float]:
    """Every measure of one neuron and one set of tokens."""
    columns = values[:, None]
    tags = np.where(labels, WITH, WITHOUT)
    targets = np.stack([tags, np.full_like(tags, -1), np.full_like(tags, -1)], axis=1)
    numbers = np.arange(len(values))
    rows = Rows((), numbers, numbers, 0 * numbers, 0 * numbers, numbers % N_BLOCKS)
    sums = TagSums(1, TARGETS)
    sums.add(columns, rows, targets)
    ranked = associate(columns, Sample(0 * numbers, targets, rows.blocks, TARGETS))
    hits = columns[:, 0] >= hit_level(columns.max(axis=0))[0]
    both = float((hits & labels).sum())
    return {
        "Pearson's r": float(correlate(sums).value[WITH, 0]),
        "F1 of hits": 2 * both / float(hits.sum() + labels.sum()),
        "average precision": float(ranked.precision[WITH, 0]),
        "AUROC": float(ranked.auroc[WITH, 0]),
        "precision of hits": both / float(hits.sum()),
        "recall of hits": both / float(labels.sum()),
    }


def page(found: dict[float, dict[str, Fall]]) -> str:
    """Both tables of falls, and who passes."""
    shares = [f"{share:.1%}".replace(".0%", "%") for share in found]
    about = (
        f"Written by `python analyses/{NAME}.py`: by how much of its range a score falls on "
        "planted neurons when the labels of their class are changed. Each column is a class with "
        f"that share of {TOKENS:,} tokens; means over {len(SEEDS)} neurons."
    )
    parts = ["# Two sanity checks of measures", markdown.paragraph(about)]
    for title, side in (("Half of the labels missing", "missing"), ("Twice the labels", "extra")):
        rows = [
            [name, *(f"{round(getattr(of[name], side), 4) + 0.0:.4f}" for of in found.values())]
            for name in RANGES
        ]
        parts += [f"## {title}", markdown.table(["measure", *shares], rows)]
    header = ["measure", f"falls by more than {LEAST_FALL} of its range everywhere"]
    rows = [[name, "yes" if passed else "no"] for name, passed in outcome(found).items()]
    parts += ["## Outcome", markdown.table(header, rows)]
    return "\n\n".join(parts) + "\n"


def outcome(found: dict[float, dict[str, Fall]]) -> dict[str, bool]:
    """Which measures pass both checks for every class."""
    return {name: all(of[name].passes for of in found.values()) for name in RANGES}


if __name__ == "__main__":
    main()

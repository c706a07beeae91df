"""The neurons of the bundled model: how many of each kind by layer, and in null models.

    python analyses/neurons_of_the_bundled_model.py [--ckpt FOLDER|NAME] [--text FILE] [--tokens N]

Reads a checkpoint (the bundled one) and a text (the bundled stories), writes
``figures/neurons_of_the_bundled_model.md`` and, named in it, the counts, a picture, and a random
sample of fifty neurons with what each fires on, to be read by eye. The models without training are
a randomly initialised model and the model with each neuron's input weights shuffled; they read
the same tokens.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinyinterp
from tinyinterp.io.table import Table
from tinyinterp.neuron_census import NeuronCensus
from tinyinterp.neuron_census.nulls import NULLS
from tinyinterp.results import Neurons
from tinyinterp.views import markdown, style
from tinyinterp.views.kind_shares import draw_kind_shares
from tinyinterp.views.neuron_text import header_lines

FIGURES = Path(__file__).parent.parent / "figures"
NAME = "neurons_of_the_bundled_model"
TOKENS = 200_000
SAMPLED, SHOWN = 50, 8  # neurons, and activations of each
TRAINED = "trained"
POS = "part-of-speech"


def main() -> None:
    """Take the census, draw, and write the page."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, help="default: the bundled stories")
    parser.add_argument("--ckpt", help="default: the bundled model")
    parser.add_argument("--tokens", type=int, default=TOKENS, help=f"default: {TOKENS:,}")
    options = parser.parse_args()
    model = tinyinterp.load(options.ckpt)
    census = tinyinterp.neurons(
        model,
        options.text,
        layer=None,
        max_tokens=options.tokens,
        null_tokens=options.tokens,
    )
    counts = count_kinds(census)
    Table(NAME, counts, notes=census.table.notes).write(FIGURES)
    figure = draw_kind_shares(shares(census), f"Neurons of the {model.name} model")
    style.save(figure, FIGURES / f"{NAME}_kinds.png")
    (FIGURES / f"{NAME}_sample.txt").write_text("\n".join(sample(census)) + "\n", "utf-8")
    path = FIGURES / f"{NAME}.md"
    path.write_text(page(census), "utf-8")
    print(f"wrote {path}")


def shares(census: NeuronCensus) -> dict[str, dict[int, dict[str, float]]]:
    """The share of each kind, by model and layer."""
    found: dict[str, dict[int, dict[str, float]]] = {name: {} for name in (TRAINED, *NULLS)}
    for layer, tables in census.layers.items():
        kinds = Counter(tables.table["kind"])
        found[TRAINED][layer] = {kind: n / len(tables.table) for kind, n in kinds.items()}
        for name in NULLS:
            found[name][layer] = tables.table.notes["nulls"][name]
    return found


def count_kinds(census: NeuronCensus) -> list[dict[str, Any]]:
    """How many neurons of a layer are of each kind, in each model: a row each."""
    rows = []
    for name, by_layer in shares(census).items():
        for layer, kinds in by_layer.items():
            n = len(census.layers[layer].table)
            counts = {kind: round(kinds.get(kind, 0.0) * n) for kind in style.NEURON_COLOURS}
            rows.append({"model": name, "layer": layer, **counts})
    return rows


def sample(census: NeuronCensus, seed: int = 0) -> list[str]:
    """Fifty neurons at random, with their numbers and the largest of their activations."""
    table = census.table
    random = np.random.default_rng(seed)
    chosen = sorted(random.choice(len(table), min(SAMPLED, len(table)), replace=False).tolist())
    rows = list(table)
    lines = [
        f"{len(chosen)} neurons drawn at random (seed {seed}) of {len(table):,}.",
        *header_lines(table.notes),
    ]
    for index in chosen:
        row = rows[index]
        found = Neurons.of(census).neuron_lines(row["neuron"], row["layer"])
        head = found.index("")
        contexts = [line for line in found[head:] if line.startswith("Context: ")]
        lines += ["", "", *found[:head], *contexts[:SHOWN]]
    return lines


def page(census: NeuronCensus) -> str:
    """The page of prose, in Markdown."""
    table, notes = census.table, census.table.notes
    rows = list(table)
    parts = [
        f"# The neurons of the {notes['model']} model",
        markdown.paragraph(
            f"Written by `python analyses/{NAME}.py`; every number comes from `{NAME}.csv` or from "
            f"the census itself. Measured on {notes['text']}: {notes['tokens']:,} tokens; the "
            f"numbers are of {notes['test_tokens']:,} TEST tokens in {notes['test_stories']} "
            f"stories, on which nothing was fitted. Tags by {notes['tagger']}. The model's "
            f"fingerprint is `{notes['checkpoint'][:12]}`."
        ),
        *[markdown.paragraph(f"Note: {warning}.") for warning in notes["warnings"]],
        "## Kinds by layer",
        f"![Kinds of neurons]({NAME}_kinds.png)",
        *_by_layer(census),
        "## Which parts of speech",
        *_tags(rows),
        "## How much of it is the token",
        *_control(rows),
        "## Fifty of them",
        markdown.paragraph(
            f"`{NAME}_sample.txt` has fifty neurons drawn at random, to be read by eye."
        ),
        "## What this does not say",
        markdown.paragraph(
            "A kind says what the tokens have in common at which a neuron reaches half of its "
            "largest activation; it does not say that smaller activations mean the same, nor that "
            "the model uses them so. Unless another text is named above, the stories were sampled "
            "from the model itself. Parts of speech come from a rule-based tagger, whose errors "
            "lower purity and AUROC. A neuron is undetermined if it has too few hits, or if an "
            "interval contains a threshold: with more text fewer are. Terms are defined in [the "
            "glossary](../docs/glossary.md)."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _by_layer(census: NeuronCensus) -> list[str]:
    counts = count_kinds(census)
    kinds = [kind for kind in style.NEURON_COLOURS if any(row[kind] for row in counts)]
    trained = [row for row in counts if row["model"] == TRAINED]
    lines: list[list[object]] = [
        [
            row["layer"],
            *(row[kind] for kind in kinds),
            *(
                next(r[POS] for r in counts if (r["model"], r["layer"]) == (name, row["layer"]))
                for name in NULLS
            ),
        ]
        for row in trained
    ]
    lines.append(
        ["all", *(sum(int(str(line[i])) for line in lines) for i in range(1, len(lines[0])))]
    )
    header = ["layer", *kinds, *(f"{POS} in the {name} model" for name in NULLS)]
    n = len(census.table)
    found = sum(row[POS] for row in trained)
    by_chance = {name: sum(r[POS] for r in counts if r["model"] == name) for name in NULLS}
    said = " and ".join(f"{by_chance[name]} ({by_chance[name] / n:.1%}) of the {name} model's"
                        for name in NULLS)  # fmt: skip
    return [
        markdown.table(header, lines),
        markdown.paragraph(
            f"Of {n:,} neurons {found} ({found / n:.1%}) are part-of-speech neurons; by the same "
            f"table, on the same tokens, so are {said}."
        ),
    ]


def _tags(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for kind in (POS, "next-word"):
        here = [row for row in rows if row["kind"] == kind]
        for tag, count in Counter(row["best_tag"] for row in here).most_common():
            tagged = [row for row in here if row["best_tag"] == tag]
            best = max(tagged, key=lambda row: row["auroc_low"])
            bounds = style.interval(best["auroc_low"], best["auroc_high"])
            lines.append(
                [
                    kind,
                    tag,
                    count,
                    f"{np.median([row['auroc'] for row in tagged]):.3f}",
                    f"{best['layer']}.{best['neuron']}",
                    f"{best['auroc']:.3f} ({bounds})",
                    ", ".join(word.strip() for word in best["words"]),
                ]
            )
    header = ["kind", "tag", "neurons", "median AUROC", "best", "its AUROC", "its words"]
    return [markdown.table(header, lines)]


def _control(rows: Sequence[dict[str, Any]]) -> list[str]:
    here = [row for row in rows if row["kind"] == POS]
    if not here:
        return ["There is no part-of-speech neuron."]
    by_token = [row["auroc"] - row["token_auroc"] for row in here]
    within = [row["within_word_auroc"] for row in here if row["within_word_tokens"] >= SAMPLED]
    said = (
        "The token alone also predicts the tag, by the neuron's mean activation on it in other "
        "stories. The AUROC of the activation minus that of this mean has a median of "
        f"{np.median(by_token):+.3f} over the {len(here)} {POS} neurons."
    )
    if within:
        said += (
            f" Among tokens of words that occur both with and without the tag (`play`), the median "
            f"AUROC of the {len(within)} neurons with {SAMPLED} or more such tokens is "
            f"{np.median(within):.3f}; a neuron that only knows the word has .5."
        )
    return [markdown.paragraph(said)]


if __name__ == "__main__":
    main()

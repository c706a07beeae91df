"""One page of what the account says of the bundled model, and a sample of it to read by eye.

    tinyinterp account --out tinyinterp-out/account
    python analyses/account_of_the_bundled_model.py [--account tinyinterp-out/account]

Writes ``figures/account_of_the_bundled_model.md``, the tables of the whole model and of the heads
beside it, and ``figures/account_read_by_eye_sample.txt``: twelve heads and thirty neurons drawn at
random, each with what the account says of it and what it does on TEST stories.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tinyinterp
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.scan import forward, kept
from tinyinterp.text.sequences import Sequence as Story
from tinyinterp.text.sequences import Side
from tinyinterp.views import markdown, style
from tinyinterp.views.account_plot import draw_account
from tinyinterp.views.pictures import account_title

FIGURES = Path(__file__).parent.parent / "figures"
NAME = "account_of_the_bundled_model"
SAMPLE = "account_read_by_eye_sample.txt"
HEADS, NEURONS, SEED = 12, 30, 14
TOKENS, SHOWN, BEFORE, AFTER = 20_000, 10, 7, 3  # read, lines of each, tokens around a hit
COSTLY = 8  # heads listed
Row = dict[str, Any]
At = tuple[int, int]  # layer and number


def main() -> None:
    """Write the page, the tables and the sample."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--account", type=Path, default=Path("tinyinterp-out/account"))
    folder = parser.parse_args().account
    tables = {
        name: json.loads((folder / f"{name}.json").read_text("utf-8"))
        for name in ("account", "account_heads", "account_neurons", "account_layers")
    }
    rows = {name: table["rows"] for name, table in tables.items()}
    notes = tables["account"]["notes"]
    for name in ("account", "account_heads", "account_layers"):
        Table(name, rows[name], notes=notes).write(FIGURES)
    whole = Table("account", rows["account"], notes=notes)
    style.save(draw_account(whole, account_title(whole)), FIGURES / "account.png")
    path = FIGURES / f"{NAME}.md"
    path.write_text("\n".join(page(rows, notes)) + "\n", "utf-8")
    model = tinyinterp.load()
    sample = list(sample_lines(model, rows["account_heads"], rows["account_neurons"]))
    (FIGURES / SAMPLE).write_text("\n".join(sample) + "\n", "utf-8")
    print(f"wrote {path}")


def page(rows: dict[str, list[Row]], notes: dict[str, Any]) -> Iterator[str]:
    """Markdown."""
    heads, neurons = rows["account_heads"], rows["account_neurons"]
    yield "# What the account says of the bundled model"
    yield ""
    yield markdown.paragraph(
        f"Fitted on {notes['fit_tokens']:,} tokens of bundled stories, scored on "
        f"{notes['test_tokens']:,} others. Intact the model has {notes['nats_intact']:.3f} nats "
        f"per token. The terms are explained in [the glossary](../docs/glossary.md), the method in "
        "[docs/account.md](../docs/account.md)."
    )
    yield from ("", "![Loss recovered by rung](account.png)", "", "## The whole model", "")
    yield from _whole(rows["account"])
    yield from ("", "## What heads need", "")
    yield from _needs(heads, "no effect")
    yield from ("", markdown.paragraph(_heads_in_words(heads)), "")
    yield from _costly(heads)
    yield from ("", "## What neurons need", "")
    yield from _needs(neurons, "constant")
    yield from ("", markdown.paragraph(_neurons_in_words(neurons, notes)), "")
    yield from ("## Rules", "")
    yield from _rules(notes["rules"])
    yield from ("", "## One layer's neurons replaced", "")
    yield from _layers(rows["account_layers"])


def _whole(rows: Sequence[Row]) -> list[str]:
    cells = [
        [
            row["part"],
            row["rung"],
            f"{row['nats']:.3f}",
            f"{row['loss_recovered']:.2f}",
            f"{row['loss_recovered_unigram']:.2f} {_interval(row)}",
        ]
        for row in rows
    ]
    head = ["replaced", "by", "nats", "recovered from means", "recovered from unigrams (95 %)"]
    return markdown.table(head, cells).splitlines()


def _interval(row: Row) -> str:
    return f"[{row['unigram_low']:.2f}, {row['unigram_high']:.2f}]"


def _needs(rows: Sequence[Row], nothing: str) -> list[str]:
    layers = sorted({row["layer"] for row in rows})
    order = ["position", "tokens", "token", "predecessor", "context", ""]
    present = [need for need in order if any(row["needs"] == need for row in rows)]
    cells = []
    for layer in layers:
        counts = Counter(row["needs"] for row in rows if row["layer"] == layer)
        cells.append([layer, *(counts[need] for need in present)])
    return markdown.table(["layer", *(need or nothing for need in present)], cells).splitlines()


def _heads_in_words(heads: Sequence[Row]) -> str:
    copying = Counter(row["copies"] for row in heads if row["copies"])
    movers = [f"{row['layer']}.{row['head']}" for row in heads if row["copies_names"]]
    counted = ", ".join(f"{count} {name}" for name, count in copying.most_common())
    return (
        f"By their weights the heads are: {counted}. Name movers, which raise most the very name "
        f"they attend to: {', '.join(movers) or 'none'}. The heads that cost most to ablate:"
    )


def _costly(heads: Sequence[Row]) -> list[str]:
    costly = sorted(heads, key=lambda row: -row["ablation_loss_increase"])[:COSTLY]
    cells = [
        [
            f"{row['layer']}.{row['head']}",
            f"{row['ablation_loss_increase']:.3f}",
            *(f"{row[f'keeps_{rung}']:.2f}" for rung in ("position", "tokens", "predecessor")),
            row["needs"],
            " ".join(f"`{token}`" for token in row["drawn_to"][:5]),
            " ".join(f"`{token}`" for token in row["raises"][:4]),
        ]
        for row in costly
    ]
    head = [
        "head",
        "nats",
        "position",
        "tokens",
        "predecessor",
        "needs",
        "drawn to",
        "raises there",
    ]
    return markdown.table(head, cells).splitlines()


def _neurons_in_words(neurons: Sequence[Row], notes: dict[str, Any]) -> str:
    families = Counter(row["family"] for row in neurons if row["family"])
    counted = ", ".join(f"{count} {name}" for name, count in families.most_common())
    agreement = ", ".join(f"{r:.2f} ({name})" for name, r in notes["attribution_r"].items())
    return (
        f"By their output weights {counted or 'none'} of {len(neurons):,} neurons are of a family "
        f"of Universal Neurons. First-order effects correlate with exact ones, on "
        f"{notes['exact_neurons']} neurons drawn at random, with r = {agreement}."
    )


def _rules(rules: Sequence[Row]) -> list[str]:
    cells = [
        [
            row["layer"],
            row["n_scored"],
            f"{row['median_f1']:.2f}",
            f"{row['median_token_f1']:.2f}",
            f"{100 * row['better_share']:.0f} %",
        ]
        for row in rules
    ]
    head = ["layer", "neurons", "median F1", "of single tokens", "better by .05 or more"]
    return markdown.table(head, cells).splitlines()


def _layers(rows: Sequence[Row]) -> list[str]:
    rungs = list(dict.fromkeys(row["rung"] for row in rows))
    found = {(row["layer"], row["rung"]): row["keeps"] for row in rows}
    layers = sorted({row["layer"] for row in rows})
    cells = [
        [layer, *("" if found[layer, r] is None else f"{found[layer, r]:.2f}" for r in rungs)]
        for layer in layers
    ]
    return markdown.table(["layer", *rungs], cells).splitlines()


def sample_lines(model: Model, heads: Sequence[Row], neurons: Sequence[Row]) -> Iterator[str]:
    """Heads and neurons drawn at random: what the account says, then what they do."""
    random = np.random.default_rng(SEED)
    some_heads = sorted(random.choice(len(heads), HEADS, replace=False).tolist())
    with_rules = [i for i, row in enumerate(neurons) if row["rules_f1"] is not None]
    some_neurons = sorted(random.choice(with_rules, NEURONS, replace=False).tolist())
    corpus = model.corpus(max_tokens=2 * TOKENS, n_ctx=256)
    stories = list(corpus.sequences(Side.TEST))
    tokens = [[model.tokenizer.token_text(int(t)) for t in story.tokens] for story in stories]
    chosen = [heads[i] for i in some_heads], [neurons[i] for i in some_neurons]
    patterns, values = _read(model, stories, *chosen)
    for row in chosen[0]:
        yield from _head_lines(row, patterns[row["layer"], row["head"]], tokens)
    for row in chosen[1]:
        yield from _neuron_lines(row, values[row["layer"], row["neuron"]], tokens)


def _read(
    model: Model, stories: Sequence[Story], heads: Sequence[Row], neurons: Sequence[Row]
) -> tuple[dict[At, list[np.ndarray]], dict[At, list[np.ndarray]]]:
    """The patterns of some heads and the activations of some neurons, story by story."""
    patterns: dict[At, list[np.ndarray]] = {(row["layer"], row["head"]): [] for row in heads}
    values: dict[At, list[np.ndarray]] = {(row["layer"], row["neuron"]): [] for row in neurons}
    hooks = {at: f"blocks.{at[0]}.attn.hook_pattern" for at in patterns}
    posts = {at: f"blocks.{at[0]}.mlp.hook_post" for at in values}
    names = {*hooks.values(), *posts.values()}
    with torch.inference_mode(), kept(model.decoder, names) as seen:
        for story in stories:
            forward(model.decoder, torch.from_numpy(story.tokens)[None])
            for at, name in hooks.items():
                patterns[at].append(seen[name][0, at[1]].numpy().copy())
            for at, name in posts.items():
                values[at].append(seen[name][0, :, at[1]].numpy().copy())
    return patterns, values


def _head_lines(row: Row, patterns: Sequence[np.ndarray], tokens: list[list[str]]) -> Iterator[str]:
    layer, head = row["layer"], row["head"]
    yield f"HEAD {layer}.{head}: needs {row['needs'] or 'nothing: no effect'}"
    keeps = (f"{rung} {row[f'keeps_{rung}']}" for rung in ("position", "tokens", "predecessor"))
    yield f"  keeps {', '.join(keeps)}; ablation {row['ablation_loss_increase']:.4f} nats"
    yield f"  drawn to {row['drawn_to']}"
    yield f"  raises {row['raises']}, lowers {row['lowers']}; {row['copies']} {row['copies_names']}"
    random = np.random.default_rng((SEED, layer, head))
    for number in random.choice(len(patterns), 2 * SHOWN, replace=False):
        pattern = patterns[number]
        query = int(random.integers(len(pattern) // 3, len(pattern)))
        weights = pattern[query].copy()
        weights[0] = 0
        best = np.argsort(-weights)[:3]
        said = ", ".join(f"{tokens[number][k]!r} {weights[k]:.2f} (-{query - k})" for k in best)
        context = "".join(tokens[number][max(0, query - BEFORE) : query + 1])
        yield f"    {context!r} ─► {said}"
    yield ""


def _neuron_lines(
    row: Row, activations: Sequence[np.ndarray], tokens: list[list[str]]
) -> Iterator[str]:
    layer, neuron = row["layer"], row["neuron"]
    scores = ("rules_f1", "rules_precision", "rules_recall", "token_f1")
    said = ", ".join(f"{name} {row[name]}" for name in scores)
    yield f"NEURON {layer}.{neuron}: needs {row['needs']}; {said}"
    yield f"  rules {'   '.join(row['rules'])}"
    found = []
    for number, values in enumerate(activations):
        found += [(float(value), number, place) for place, value in enumerate(values) if place]
    found.sort(reverse=True)
    upper = [hit for hit in found if hit[0] >= found[0][0] / 2]
    random = np.random.default_rng((SEED, layer, neuron, 1))
    some = sorted(random.choice(len(upper), min(SHOWN, len(upper)), replace=False).tolist())
    yield f"  the largest, then some of {len(upper)} at half of the maximum or more"
    for value, number, place in [*found[: SHOWN // 2], *(upper[i] for i in some)]:
        before = "".join(tokens[number][max(0, place - BEFORE) : place])
        after = "".join(tokens[number][place + 1 : place + 1 + AFTER])
        yield f"    {value:5.2f} {f'{before}«{tokens[number][place]}»{after}'!r}"
    yield ""


if __name__ == "__main__":
    main()

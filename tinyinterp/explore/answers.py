"""What the page shows of a text: predictions, lens, patterns, neurons, direct effects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.questions import Asked, Question, asked, whole, words
from tinyinterp.run import Component, Head, Run, attribute, attribute_neurons, logit_lens
from tinyinterp.selection import choose_one
from tinyinterp.views.glossary import MEANINGS
from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern

TOP, LENS_TOP = 10, 3  # tokens of a distribution, and of a level of the lens
MOST_NEURONS = 60
EXAMPLES = 20
BEFORE, AFTER = 80, 40  # characters of an example
Answer = dict[str, Any]


def describe(explorer: Explorer) -> Answer:
    """The model, and what the tables say of its heads."""
    model, config = explorer.model, explorer.model.config
    heads = [
        _head_facts(explorer, layer, head)
        for layer in range(config.n_layers)
        for head in range(config.n_heads)
    ]
    return {
        "name": model.name,
        "fingerprint": model.fingerprint,
        "layers": config.n_layers,
        "heads_a_layer": config.n_heads,
        "neurons_a_layer": config.d_mlp,
        "attention": list(config.attention),
        "longest": explorer.longest,
        "steps": STEPS,
        "unknown": UNKNOWN,
        "sources": dict(explorer.tables.sources),
        "census_layers": list(explorer.tables.layers),
        "heads": heads,
        "glossary": MEANINGS,
    }


def run_answer(explorer: Explorer, given: Question) -> Answer:
    """A text under its switches, beside the intact model where anything is off.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: the question is not understood, or the model has no such part.
    """
    question = asked(given)
    run = explorer.run(question)
    answer: Answer = {
        "tokens": run.tokens,
        "ids": run.ids,
        "off": [str(part) for part in run.off],
        "changed": _predictions(explorer, run),
        "intact": None,
        "patterns": [
            [pack_pattern(pattern.numpy()) for pattern in layer] for layer in run.patterns
        ],
        "neurons": _unusual(explorer, run),
    }
    if run.off:
        answer["intact"] = _predictions(explorer, explorer.run(Asked(question.text)))
    halves = [half for half in (answer["changed"], answer["intact"]) if half]
    answer["texts"] = _texts(
        explorer, *(half[name] for half in halves for name in ("next", "lens"))
    )
    return answer


def attribution_answer(explorer: Explorer, given: Question) -> Answer:
    """What every head, MLP and bias adds to a logit, and the neurons that add most.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: the question is not understood, or there is no such position or token.
    """
    run = explorer.run(asked(given))
    position = whole(given, "position")
    token = token_id(explorer, given, "token")
    against = None if given.get("against") is None else token_id(explorer, given, "against")
    found = attribute(explorer.model.decoder, run, position, token, against)
    neurons = attribute_neurons(explorer.model.decoder, run, position, token, against)
    width = neurons.shape[1]
    largest = neurons.abs().flatten().topk(min(TOP, neurons.numel())).indices.tolist()
    return {
        "token": token,
        "text": explorer.model.tokenizer.token_text(token),
        "against": against,
        "against_text": None if against is None else explorer.model.tokenizer.token_text(against),
        "logit": found.logit,
        "embedding": found.embedding,
        "heads": found.heads,
        "attention_biases": found.attention_biases,
        "mlps": found.mlps,
        "bias": found.bias,
        "neurons": [
            {
                **_neuron_facts(explorer, at // width, at % width),
                "effect": neurons[at // width, at % width].item(),
            }
            for at in largest
        ],
    }


def neuron_answer(explorer: Explorer, given: Question) -> Answer:
    """A neuron: its activations over the text, what the tables say, and its examples.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: the question is not understood, or there is no such neuron.
    """
    config = explorer.model.config
    layer = choose_one("layer", whole(given, "layer"), config.n_layers)
    neuron = choose_one("neuron", whole(given, "neuron"), config.d_mlp)
    run = explorer.run(asked(given))
    values = run.activations[layer, :, neuron]
    census = explorer.tables.layers.get(layer)
    examples = [] if census is None else census.examples(neuron)[:EXAMPLES]
    return {
        **_neuron_facts(explorer, layer, neuron),
        "activations": values,
        "largest": explorer.usual(layer).largest[neuron],
        "row": dict(explorer.tables.neuron(layer, neuron)),
        "examples": [
            [hit["activation"], hit["before"][-BEFORE:], hit["token"], hit["after"][:AFTER],
             hit["tag"], hit["story"], hit["position"]]
            for hit in examples
        ],
    }  # fmt: skip


def search_answer(explorer: Explorer, given: Question) -> Answer:
    """Heads and neurons that a search finds.

    Raises:
        SelectionError: nothing was asked, or too much.
    """
    found, count = explorer.index.find(words(given, "query"))
    return {
        "count": count,
        "found": [{"name": str(part), **_facts(explorer, part)} for part in found],
    }


def token_id(explorer: Explorer, given: Question, name: str) -> int:
    """A token by its number, or by a text that is one token, with or without a space in front.

    Raises:
        SelectionError: it is neither.
    """
    value = given.get(name)
    if not isinstance(value, str):
        return choose_one("token", whole(given, name), explorer.model.config.n_vocab)
    tokenizer = explorer.model.tokenizer
    for text in (value, f" {value}"):
        ids = tokenizer.encode(text).ids
        if len(ids) == 1:
            return ids[0]
    raise SelectionError(
        f"{value!r:.80} is not one token of this model; choose one of the predicted tokens"
    )


def _predictions(explorer: Explorer, run: Run) -> Answer:
    """Losses, the likeliest next tokens, and the lens; made once for each run that is kept."""
    found = explorer.predictions.get(run)
    if found is None:
        found = explorer.predictions[run] = _predict(explorer, run)
    return found


def _predict(explorer: Explorer, run: Run) -> Answer:
    k = min(TOP, run.logits.shape[1])
    likeliest = run.logits.topk(k)
    probabilities = (likeliest.values - run.logits.logsumexp(-1, keepdim=True)).exp()
    lens = logit_lens(explorer.model.decoder, run, LENS_TOP)
    return {
        "losses": run.losses,
        "mean_loss": run.losses.mean().item() if len(run.losses) else None,
        "next": {"tokens": likeliest.indices, "probabilities": probabilities},
        "lens": {
            "tokens": lens.tokens,
            "probabilities": lens.probabilities,
            "next_probability": lens.next_probability,
            "next_rank": lens.next_rank,
        },
    }


def _texts(explorer: Explorer, *tables: Answer) -> dict[int, str]:
    """The text of every token that an answer names."""
    named: set[int] = set()
    for table in tables:
        tokens: Tensor = table["tokens"]
        named.update(tokens.unique().tolist())
    return {token: explorer.model.tokenizer.token_text(token) for token in sorted(named)}


def _unusual(explorer: Explorer, run: Run) -> list[Answer]:
    """The neurons whose largest value on this text is least usual; end-of-text is left out."""
    if len(run.ids) < 2:
        return []
    values, at = run.activations[:, 1:].max(1)
    scored = [explorer.quantiles(layer, values[layer]) for layer in range(len(values))]
    quantile, share = (torch.stack(each) for each in zip(*scored, strict=True))
    order = sorted(
        _candidates(values, quantile), key=lambda i: (-quantile[i].item(), -share[i].item(), i)
    )
    return [
        {
            **_neuron_facts(explorer, layer, neuron),
            "value": values[layer, neuron].item(),
            "position": at[layer, neuron].item() + 1,
            "quantile": quantile[layer, neuron].item(),
            "share": share[layer, neuron].item(),
        }
        for layer, neuron in order[:MOST_NEURONS]
    ]


def _candidates(values: Tensor, quantile: Tensor) -> Iterable[tuple[int, int]]:
    """Neurons that fire, and whose value is as unusual as that of the last one shown."""
    scores = torch.where(values > 0, quantile, -1.0).flatten()
    least = scores.topk(min(MOST_NEURONS, len(scores))).values[-1].clamp_min(0)
    width = values.shape[1]
    return ((i // width, i % width) for i in (scores >= least).nonzero()[:, 0].tolist())


HEAD_FACTS = (
    "kind", "role", "decided_by", "value", "needs", "drawn_to", "raises", "lowers", "copying",
    "looks_at", "ablation_loss_increase", "stability",
)  # fmt: skip
NEURON_FACTS = ("kind", "best_tag", "best_target", "needs", "rules", "words", "family")


def _facts(explorer: Explorer, part: Component) -> Answer:
    if isinstance(part, Head):
        return _head_facts(explorer, part.layer, part.head)
    return _neuron_facts(explorer, part.layer, part.neuron)


def _head_facts(explorer: Explorer, layer: int, head: int) -> Answer:
    row = explorer.tables.head(layer, head)
    facts = {name: row[name] for name in HEAD_FACTS if row.get(name) not in (None, "", [])}
    return {"layer": layer, "head": head, **facts}


def _neuron_facts(explorer: Explorer, layer: int, neuron: int) -> Answer:
    row = explorer.tables.neuron(layer, neuron)
    facts = {name: row[name] for name in NEURON_FACTS if row.get(name) not in (None, "", [])}
    return {"layer": layer, "neuron": neuron, **facts}

"""Every table and what each of its columns holds.

Which columns there are is read from the code that makes the rows, or from the tables in
``figures/``; what they mean, from the glossary that the program's own pages show. What that does
not say stands here. A test compares all of it with tables that the program makes.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tinyinterp.head_census.declared import registered
from tinyinterp.head_census.registry import HeadMeasure
from tinyinterp.head_census.rows import HeadRow
from tinyinterp.model_account.beside import HEAD_COLUMNS, NEURON_COLUMNS
from tinyinterp.model_account.ladder import NEURON_RUNGS, PREDICTORS, RUNGS
from tinyinterp.model_account.registry import NeuronPredictor
from tinyinterp.model_account.registry import registered as predictors
from tinyinterp.model_account.weights import HeadWeights, NeuronWeights
from tinyinterp.neuron_census.tables import ASSOCIATION_COLUMNS, NeuronRow
from tinyinterp.neuron_census.top_activations import Hit
from tinyinterp.views.glossary import MEANINGS

FIGURES = Path(__file__).parents[2] / "figures"
BOUNDS = ("", "_low", "_high")
# What the glossary does not say, or says of something else. A star stands for a rung or predictor.
ELSE = {
    "layer": "The layer, counted from 0.",
    "head": "The head within its layer, counted from 0.",
    "neuron": "The neuron within its layer, counted from 0.",
    "attention": "Whether the layer is `global` or `local`.",
    "kind": "The label; [how it is decided](labels.md).",
    "decided_by": "The quantity that decided the kind.",
    "value": "That quantity.",
    "low": "The lower end of its 95 % interval.",
    "high": "The upper end.",
    "report_label": "The label by the rule of the TinyStories student report.",
    "spearman": "Spearman's rank correlation of distance and attention, on the same cells as the "
    "distance correlation.",
    "ablation_low": "The lower end of the 95 % interval of `ablation_loss_increase`.",
    "ablation_high": "The upper end.",
    "surrogate_low": "The lower end of the 95 % interval of `surrogate_loss_increase`.",
    "surrogate_high": "The upper end.",
    "looks_at_low": "The lower end of the 95 % interval of `looks_at_lift`.",
    "looks_at_high": "The upper end.",
    "looks_at_share": "The share of the attention of the queries it is about that it gets.",
    "looks_at_tells": "The share of what position leaves unexplained that it explains.",
    "examples": "The largest attention to what it looks at: weight, [key] and {query} in context.",
    "best_target": "Whose tag `best_tag` is: the current, next or previous word's.",
    "tag_correlation": "Pearson's r of the activation and having the tag, over the scored TEST "
    "tokens.",
    "tag_precision": "The share of the hits that have the best tag; the same number as `purity`.",
    "tag_recall": "The share of the TEST tokens with the best tag that are hits.",
    "within_word_tokens": "How many tokens `within_word_auroc` rests on; 0: none.",
    "words": "The three most frequent token types among the hits.",
    "word_share": "Their share of the hits.",
    "max_activation": "The largest activation.",
    "min_activation": "The smallest activation.",
    "mean_activation": "The mean activation on FIT.",
    "rank": "1 is the largest (or the smallest) activation.",
    "activation": "The activation there.",
    "token": "The token.",
    "before": "Up to five tokens before it.",
    "after": "Up to five tokens after it.",
    "tag": "Its part of speech, or the part of speech that the row is about; empty where there is "
    "none.",
    "story": "The number of the story.",
    "position": "Its position in the story; the start token is at 0.",
    "target": "Whose tag: the current, next or previous word's.",
    "tested": "Whether the tag is frequent enough to be tested.",
    "part": "What is replaced: `heads`, `neurons` or `both`; `language` for n-gram models.",
    "rung": "What stands in its place, or which n-gram model.",
    "nats": "The loss then, in nats per token.",
    "loss_recovered_unigram": "The same from the unigram model of FIT.",
    "unigram_low": "The lower end of the 95 % interval of `loss_recovered_unigram`.",
    "unigram_high": "The upper end.",
    "parameters": "How many numbers the rung's tables hold.",
    "explained_*": "The share of the pattern's contrast that the rung reproduces.",
    "keeps_*": "The share of the head's effect on the loss that is left with the rung in "
    "its place.",
    "r2_*": "The share of the variance over TEST that the rung or the tag explains.",
    "r2": "The `r2_*` of the needed rung; of the best one where context is needed.",
    "r_*": "Pearson's r of that prediction and the activation.",
    "effect_*": "First-order estimate of the rise in loss with the prediction in the neuron's "
    "place, nats per token.",
    "copying": "The sum of the eigenvalues of W_U W_OV W_E over the sum of their moduli.",
    "copying_effective": "The same with the tokens' mean streams in place of W_E.",
    "copy_rank": "The median rank of a token among what the head raises where it attends to it.",
    "name_copy_rank": "The same for names.",
    "copies": "Whether it copies tokens, beyond chance.",
    "copies_names": "Whether it copies names, beyond chance.",
    "raises_at": "The tokens at which `raises` and `lowers` of a head were computed.",
    "raises": "Of a neuron, the tokens whose logits its output weights raise most; of a head, "
    "those it raises where it attends to the tokens it is drawn to.",
    "lowers": "Those that it lowers most.",
    "composes_with": "The heads below that it reads beyond chance, and as what (Q, K, V).",
    "head_read_by": "The heads above that read it beyond chance.",
    "composition": "How far each of `composes_with` exceeds random rotations, in deviations.",
    "family": "By its output weights: prediction, suppression or partition.",
    "logit_kurtosis": "The kurtosis of its effect on all logits.",
    "logit_skew": "The skew of it.",
    "logit_bimodality": "The bimodality of it.",
    "logit_spread": "The deviation of it, over what is expected of a random direction.",
    "in_out_cosine": "The cosine of its input and output weights.",
    "written_by": "The heads that write into its input weights beyond chance, strongest first.",
    "read_by": "The heads that read its output weights beyond chance, and as what.",
    "rules": "Its rules in words.",
    "rules_precision": "The share of the rules' matches that are hits.",
    "rules_recall": "The share of the hits that the rules match.",
    "rules_f1": "The harmonic mean of the two.",
    "token_f1": "The same of as many single tokens.",
}


def tables() -> dict[str, tuple[str, list[str]]]:
    """Every table by its file: how a row came about, and its columns."""
    account = ["needs", *(f"keeps{end}" for end in BOUNDS)]
    neuron_account = ["needs", *(f"r2{end}" for end in BOUNDS)]
    head_weights, neuron_weights = _of(HeadWeights), _of(NeuronWeights)
    declared = [f"{measure.name}{end}" for measure in registered() for end in BOUNDS]
    return {
        "heads": ("a row for each head", [*_of(HeadRow), *declared, *account, *HEAD_COLUMNS]),
        "neurons_layer{L}": (
            "a row for each neuron of layer L",
            [*_of(NeuronRow), *neuron_account, *NEURON_COLUMNS],
        ),
        "top_activations_layer{L}": (
            "a row for each hit; `bottom_activations_layer{L}` alike",
            ["layer", "neuron", "rank", "activation", *_of(Hit)],
        ),
        "associations_layer{L}": (
            "a row for each neuron, target and tag",
            list(ASSOCIATION_COLUMNS),
        ),
        "account": ("a row for each part and rung, then the n-gram models", _header("account")),
        "account_layers": ("a row for each layer and rung", _header("account_layers")),
        "account_heads": ("a row for each head", _header("account_heads")),
        "account_neurons": (
            "a row for each neuron",
            [
                *("layer", "neuron", "needs"),
                *(f"r2_{p}{end}" for p in PREDICTORS for end in BOUNDS),
                *(f"r_{p}" for p in PREDICTORS),
                *(f"effect_{rung}" for rung in ("mean", *NEURON_RUNGS)),
                *(column for column in neuron_weights if column not in ("layer", "neuron")),
                *("rules", "rules_precision", "rules_recall"),
                *(f"rules_f1{end}" for end in BOUNDS),
                "token_f1",
                *(column for predictor in predictors() for column in _of_predictor(predictor)),
            ],
        ),
        "weights_heads": ("a row for each head, with `--weights`", head_weights),
        "weights_neurons": ("a row for each neuron, with `--weights`", neuron_weights),
    }


def meaning(column: str) -> str:
    """What a column holds.

    Raises:
        KeyError: nobody has said so.

    >>> meaning("keeps_tokens_low")
    'The lower end of the 95 % interval of `keeps_tokens`.'
    """
    starred = re.sub(rf"_({'|'.join((*RUNGS, *PREDICTORS, 'mean'))})$", "_*", column)
    declared = {measure.name: _declared(measure) for measure in registered()}
    for each in predictors():
        explained, _, _, r = _of_predictor(each)
        declared[explained] = f"The share of the variance over TEST that it explains: {each.about}"
        declared[r] = f"Pearson's r of that prediction and the activation: {each.about}"
    found = (
        declared.get(column)
        or ELSE.get(column)
        or MEANINGS.get(column.replace("_", " "))
        or ELSE.get(starred)
    )
    if found:
        return found
    stem, _, end = column.rpartition("_")
    if end in ("low", "high"):
        meaning(stem)
        return f"The {'lower' if end == 'low' else 'upper'} end of the 95 % interval of `{stem}`."
    raise KeyError(column)


def tables_and_columns() -> str:
    """Markdown: a section for each table."""
    sections = []
    for name, (about, columns) in tables().items():
        lines = [f"## {name}", "", f"{about[0].upper()}{about[1:]}.", ""]
        lines += ["| column | what it holds |", "| --- | --- |"]
        rows = {column: meaning(column) for column in columns if not _is_bound(column, columns)}
        for column, words in rows.items():
            bounds = [f"{column}{end}" for end in BOUNDS[1:] if f"{column}{end}" in columns]
            also = f"; `{'`, `'.join(bounds)}`: its 95 % interval" if bounds else ""
            lines.append(f"| `{column}` | {words.replace('|', '&#124;')}{also} |")
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _declared(measure: HeadMeasure) -> str:
    unit = f", in {measure.unit}" if measure.unit else ""
    source = f" ({measure.source})" if measure.source else ""
    return f"{measure.about} `{measure.formula}`{unit}{source}."


def _of_predictor(predictor: NeuronPredictor) -> list[str]:
    return [*(f"r2_{predictor.name}{end}" for end in BOUNDS), f"r_{predictor.name}"]


def _is_bound(column: str, columns: list[str]) -> bool:
    """Whether a column is the end of the interval of another."""
    stem, _, end = column.rpartition("_")
    return end in ("low", "high") and stem in columns


def _of(row: type) -> list[str]:
    return [field.name for field in fields(row)]


def _header(name: str) -> list[str]:
    """The columns of a table in ``figures/``, which the program wrote."""
    return (
        (FIGURES / f"{name}.csv").read_text("utf-8").split("\n", 1)[0].replace('"', "").split(",")
    )

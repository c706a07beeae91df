"""What terms mean, in a sentence each: pages show it where the mouse rests on a term or a column.

``docs/glossary.md`` has the same sentences, and formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# By term, and by column of a table, its underscores as spaces.
MEANINGS = {
    # kinds of heads
    "positional": "Positions alone explain most of the pattern: F or V is at least 0.6.",
    "semantic": "Positions explain little of the pattern (F and V are at most 0.4), or the head "
    "finds repeated tokens (I or D).",
    "mixed": "Heads: the larger of F and V lies between 0.4 and 0.6. Neurons: no other kind.",
    "diffuse": "Nearly uniform attention: C is below 0.05, so there is hardly a pattern to "
    "explain.",
    "sink": "The mean attention to the first token of the sequence (S); a head is called a sink "
    "where it is at least 0.9.",
    "undetermined": "The 95 % interval of the deciding number contains its threshold, or there is "
    "too little text.",
    # columns of heads
    "role": "What a head does, if it has a name.",
    "contrast": "How far the attention is from uniform, from 0 (uniform) to 1 (all on one key).",
    "position explained": "The share of the contrast that the kernel of distance reproduces, F.",
    "place explained": "Absolute position explained: the same as F with the mean pattern by "
    "position of query and key, V.",
    "previous token": "Mean attention to the token before, without the sink.",
    "current token": "Mean attention to the token itself, without the sink.",
    "induction": "On random tokens repeated once: attention to the token after the earlier copy "
    "of the query's token (I).",
    "duplicate token": "On random tokens repeated once: attention to the earlier copy of the "
    "query's token (D).",
    "looks at": "The part of speech, punctuation mark, word or token that best predicts, beyond "
    "position, where a head looks.",
    "looks at lift": "The attention that what it looks at gets, over what position alone would "
    "give it; 1 means no preference.",
    "ablation loss increase": "The rise in loss, in nats per token, when the head's output is "
    "replaced by its mean.",
    "surrogate loss increase": "The rise in loss, in nats per token, when the head's pattern is "
    "replaced by that of position alone.",
    "position keeps": "The share of a head's effect on the loss that position alone keeps.",
    "causal check": "Whether the head's effect on the loss goes the way of its kind: `agrees` if "
    "position alone keeps more than half of what a positional head does, or less than half of what "
    "a semantic head does; `contradicts` if it is the other way round.",
    "content invariance": "How much of the pattern stays in place when the tokens are resampled: "
    "a correlation.",
    "equivariance": "How much of the pattern moves along with the tokens when they are permuted: "
    "a correlation.",
    "stability": "The share of bootstrap resamples of the stories that give the same kind.",
    "report r": "Pearson's r between the whole pattern of one text, zeros above the diagonal "
    "included, and the distance.",
    "distance correlation": "Székely's distance correlation between distance and attention over "
    "the allowed keys, without the sink.",
    "q value": "The smallest false discovery rate at which this result would still count as a "
    "discovery.",
    # neurons
    "position": "Position in the sequence explains half of the variance of the activation.",
    "part-of-speech": "One tag makes 80 % of the hits, with a lift of at least 2, over at least 8 "
    "types, none more than half.",
    "word": "Three types make 80 % of the hits.",
    "next-word": "The tag of the next word makes 80 % of the hits, as in part-of-speech.",
    "dead": "No activation is above zero.",
    "hits": "TEST tokens at which a neuron reaches half of its largest FIT activation.",
    "types": "The different tokens of the vocabulary among the hits.",
    "best tag": "The tag that decides the kind; elsewhere the one that the activation predicts "
    "best.",
    "purity": "The share of a neuron's hits that have its best tag.",
    "lift": "Of a neuron: the share of hits with a tag, over the share of all tokens with that "
    "tag. Of a head: the attention that something gets, over what position alone would give it.",
    "AUROC": "The probability that the activation at a random token with the tag is higher than "
    "at one without: 0.5 is chance, 1 is perfect.",
    "token AUROC": "The AUROC for the same tag of a predictor that knows only the token.",
    "within word auroc": "The AUROC among tokens of words that occur both with the tag and "
    "without it.",
    "average precision": "The mean, over the tokens with the tag, of the share of tokens with at "
    "least that activation that have the tag.",
    "density": "The share of tokens at which the activation is above zero.",
    "position share": "The share of the variance of the activation that position in the sequence "
    "explains.",
    "raises": "The tokens whose logits a neuron's output weights raise most.",
    "lowers": "The tokens whose logits a neuron's output weights lower most.",
    # both
    "coverage": "The share of tokens that could be given a tag: whole words and starts of words.",
    # the account
    "account": "How much of each head, each neuron and the whole model a simple story explains, "
    "found by running that story in its place.",
    "rung": "A predictor of a pattern or an activation that knows only: the position; the tokens; "
    "the token and its predecessor; the last three tokens (trigram); or the whole context, which "
    "is the component itself. It is fitted on FIT and scored on TEST.",
    "gist": "A few numbers about a text so far: decaying means of codes of its tokens, and whether "
    "a quotation is open. The rung of that name adds a linear function of them to the trigram "
    "rung.",
    "ladder": "The rungs of one component, from the one that knows least to the component itself.",
    "explained": "The share of a head's contrast that a rung reproduces.",
    "keeps": "The share of a head's effect on the loss that is left when a rung runs in its place.",
    "needs": "The lowest rung that is enough.",
    "loss recovered": "How much of the loss is won back when a rung runs in the place of all "
    "heads, all neurons or both.",
    "n-gram model": "A model of the same FIT text that knows the last n - 1 tokens (interpolated, "
    "Witten-Bell). An account that does no better says nothing of this model beyond what the "
    "language says.",
    "drawn to": "The tokens to which a head's own scores, computed from the token alone, give most "
    "attention over all queries.",
}
SAME = {"auroc": "AUROC", "token auroc": "token AUROC", "q": "q value"}
MEANINGS |= {other: MEANINGS[term] for other, term in SAME.items()}

HEAD_TERMS = (
    "positional", "semantic", "mixed", "diffuse", "sink", "undetermined", "contrast",
    "position explained", "place explained", "induction", "duplicate token", "looks at",
    "looks at lift", "content invariance", "equivariance", "position keeps", "causal check",
    "stability", "q value",
)  # fmt: skip
NEURON_TERMS = (
    "position", "part-of-speech", "word", "next-word", "dead", "mixed", "undetermined", "hits",
    "types", "best tag", "purity", "lift", "AUROC", "token AUROC", "density",
)  # fmt: skip
ACCOUNT_TERMS = (
    "account", "rung", "ladder", "explained", "keeps", "needs", "loss recovered", "n-gram model",
    "drawn to", "gist",
)  # fmt: skip


def declared_measures(notes: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What the notes of a heads table say of measures that stand beside its own columns, by column.

    Notes may come from a file: whatever is not of the form that a census writes is left out.
    """
    found = notes.get("measures")
    if not isinstance(found, Mapping):
        return {}
    return {
        str(name): {
            each: str(said.get(each, "")) for each in ("about", "unit", "formula", "source")
        }
        for name, said in found.items()
        if isinstance(said, Mapping)
    }


def declared_meanings(notes: Mapping[str, Any]) -> dict[str, str]:
    """What pages say of these measures, by term.

    >>> about = {"about": "How far.", "unit": "tokens", "formula": "E d", "source": ""}
    >>> declared_meanings({"measures": {"mean_reach": about}})
    {'mean reach': 'How far. E d, in tokens.'}
    """
    found = {}
    for name, said in declared_measures(notes).items():
        unit = f", in {said['unit']}" if said["unit"] else ""
        source = f" {said['source']}." if said["source"] else ""
        found[name.replace("_", " ")] = f"{said['about']} {said['formula']}{unit}.{source}"
    return found

"""What a model can be asked, as functions: what each head and each neuron does, and for a story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tinyinterp.errors import CorpusError
from tinyinterp.model import Model, Text, require_model
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P, Sampling
from tinyinterp.selection import Indices, choose
from tinyinterp.text.separators import Separator

if TYPE_CHECKING:
    from pathlib import Path

    from tinyinterp.model_account import ModelAccount
    from tinyinterp.results import Account, Heads, Neurons

HEAD_TOKENS = 40_000  # read by default; a part of the bundled stories
NEURON_TOKENS = 100_000
ACCOUNT_TOKENS = None  # all of the text: what is fitted on counts as much as the rungs
ACCOUNT_POSITIONS = 512
HEAD_POSITIONS = 512  # longer stories are cut: the memory for patterns goes with the square

# Settings are written out, so that editors complete them and type checkers check them. A test sees
# to it that their defaults are those of HeadSettings and NeuronSettings.


def heads(
    model: Model,
    corpus: Text = None,
    *,
    rule: Literal["evidence", "distance-correlation", "report"] = "evidence",
    causal: bool = True,
    null_tokens: int = 4_000,
    max_tokens: int | None = HEAD_TOKENS,
    separator: Separator = "auto",
    keep_blank_lines: bool = False,
    seed: int = 0,
    account: ModelAccount | Path | str | None = None,
) -> Heads:
    """Measure and label every attention head.

    Args:
        model: from :func:`tinyinterp.load`.
        corpus: a :class:`Corpus`, the path of a text, a list of stories, or None for the bundled
            stories.
        rule: what decides a head's kind.
        causal: measure what the loss loses without each head; the slowest part.
        null_tokens: of the text, on which heads are compared with those of random models.
        max_tokens: of the text to read, unless it is a :class:`Corpus`; None: all.
        separator: what is between the stories of a plain text: marks, line ends, blank lines, or
            nothing; ``auto`` decides by its beginning.
        keep_blank_lines: also for a model whose training text had none, such as the bundled one;
            otherwise it reads them as single line breaks. A :class:`Corpus` is taken as it is.
        seed: of all random draws.
        account: of this model, from :func:`account` or a folder of one; every row then also says
            what the head needs.

    Raises:
        CorpusError: the text cannot be read, or was tokenised for another model.
        SelectionError: no model was given, a setting is out of its range, or the account is of
            another model.
    """
    from tinyinterp.head_census import HeadSettings, census_heads
    from tinyinterp.model_account.beside import open_account
    from tinyinterp.results import Heads

    require_model(model)
    found = open_account(account, model)
    model.check_if_foreign()
    settings = HeadSettings(rule=rule, seed=seed, causal=causal, null_tokens=null_tokens)
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    text = model.corpus(
        corpus,
        max_tokens=max_tokens,
        n_ctx=n_ctx,
        separator=separator,
        keep_blank_lines=keep_blank_lines,
    )
    census = Heads.of(census_heads(model, text, settings))
    return census if found is None else census.beside(found)


def neurons(
    model: Model,
    corpus: Text = None,
    *,
    layer: Indices | None,
    top: int = 20,
    per_story: bool = False,
    reading: Literal["post", "pre", "report"] = "post",
    null_tokens: int = 30_000,
    tagger: str = "pattern",
    tags: Literal["universal", "penn"] = "universal",
    max_tokens: int | None = NEURON_TOKENS,
    separator: Separator = "auto",
    keep_blank_lines: bool = False,
    seed: int = 0,
    account: ModelAccount | Path | str | None = None,
) -> Neurons:
    """Measure and label every neuron of some layers, and gather what it fires on most.

    Args:
        model: from :func:`tinyinterp.load`.
        corpus: as for :func:`heads`.
        layer: one or several, counted from 0; None: all.
        top: activations kept for each neuron, largest and smallest.
        per_story: keep one activation of a story, its largest (or smallest).
        reading: which value is a neuron's: after its non-linearity, before it, or as the
            TinyStories student report reads it.
        null_tokens: of the text that the null models read; 0: no null models.
        tagger: what gives words their parts of speech, by name: ``pattern``, ``hanta``, ``spacy``,
            ``spacy:PIPELINE`` or ``agree``.
        tags: the tag set.
        max_tokens: as for :func:`heads`.
        separator: as for :func:`heads`.
        keep_blank_lines: as for :func:`heads`.
        seed: of all random draws.
        account: as for :func:`heads`; every row then also says what the neuron needs.

    Raises:
        CorpusError: the text cannot be read, or was tokenised for another model.
        SelectionError: the model has no such layer, none was given, a setting is out of its range,
            the tagger is not installed, or the account is of another model.
    """
    from tinyinterp.model_account.beside import open_account
    from tinyinterp.neuron_census import NeuronSettings, census_neurons
    from tinyinterp.results import Neurons

    require_model(model)
    found = open_account(account, model)
    model.check_if_foreign()
    settings = NeuronSettings(
        layers=tuple(sorted(choose("layer", layer, model.config.n_layers))),
        top=top,
        seed=seed,
        per_story=per_story,
        reading=reading,
        null_tokens=null_tokens,
        tagger=tagger,
        tags=tags,
    )
    text = model.corpus(
        corpus, max_tokens=max_tokens, separator=separator, keep_blank_lines=keep_blank_lines
    )
    census = Neurons.of(census_neurons(model, text, settings))
    return census if found is None else census.beside(found)


def account(
    model: Model,
    corpus: Text = None,
    *,
    fit_on: Text = None,
    test_tokens: int = 10_000,
    effect_tokens: int = 3_000,
    effect_positions: int | None = None,
    exact_neurons: int = 64,
    rules: bool = True,
    max_tokens: int | None = ACCOUNT_TOKENS,
    separator: Separator = "auto",
    keep_blank_lines: bool = False,
    seed: int = 0,
) -> Account:
    """Say how much of every head, every neuron and the whole model a simple story explains.

    Args:
        model: from :func:`tinyinterp.load`.
        corpus: as for :func:`heads`.
        fit_on: a text to fit on, in place of the FIT half of ``corpus``; then all of ``corpus`` is
            TEST.
        test_tokens: of TEST, on which everything is scored.
        effect_tokens: of these, for the effects of single heads and of layers of neurons.
        effect_positions: the most that is read of each of these sequences; None: all. Few take a
            fraction of the time, but what a head does further on in a story is not seen.
        exact_neurons: whose exact effects are compared with the first-order estimates; 0: none.
        rules: whether each neuron gets rules in words.
        max_tokens: how much of the text is read, unless it is a :class:`Corpus`; None: all.
        separator: as for :func:`heads`.
        keep_blank_lines: as for :func:`heads`.
        seed: of all random draws.

    Raises:
        CorpusError: a text cannot be read, was tokenised for another model, or is too short.
        SelectionError: no model was given, or a setting is out of its range.
    """
    from tinyinterp.model_account.account import AccountSettings, take_account
    from tinyinterp.results import Account

    require_model(model)
    settings = AccountSettings(
        seed=seed,
        test_tokens=test_tokens,
        effect_tokens=effect_tokens,
        effect_positions=effect_positions,
        exact_neurons=exact_neurons,
        rules=rules,
    )
    n_ctx = min(model.config.n_ctx, ACCOUNT_POSITIONS)
    text = model.corpus(
        corpus,
        max_tokens=max_tokens,
        n_ctx=n_ctx,
        separator=separator,
        keep_blank_lines=keep_blank_lines,
    )
    other = None
    if fit_on is not None:
        other = model.corpus(
            fit_on, n_ctx=n_ctx, separator=separator, keep_blank_lines=keep_blank_lines
        )
    return Account.of(take_account(model, text, settings, fit_on=other))


def generate(
    model: Model,
    prompt: str,
    *,
    temperature: float = FLUENT_TEMPERATURE,
    top_k: int | None = None,
    top_p: float | None = FLUENT_TOP_P,
    max_tokens: int | None = None,
    seed: int = 0,
) -> str:
    """Continue a story: the prompt and what the model writes after it.

    Args:
        model: from :func:`tinyinterp.load`.
        prompt: the beginning of the story; it follows the start token.
        temperature: what logits are divided by; 0 is greedy, 1 is the model's own distribution.
        top_k: draw from the k most likely tokens; None: from all.
        top_p: draw from the most likely tokens that together reach this probability; None: from
            all.
        max_tokens: to be written, at most; None: up to the end of the context.
        seed: of the draws.

    Raises:
        ConfigError: the prompt leaves no room in the context, or a setting is out of its range.
        CorpusError: the prompt is no string.
        SelectionError: no model was given.
    """
    from tinyinterp.network.generation import generate as continuations

    require_model(model)
    if not isinstance(prompt, str):
        raise CorpusError(f"the prompt is {prompt!r:.80}; expected a string, such as 'Once'")
    settings = Sampling(temperature, top_k, top_p, seed, max_tokens)
    end, tokenizer = model.tokenizer.end, model.tokenizer
    tokens = tokenizer.encode_prompt(prompt)
    (made,) = continuations(model.decoder, tokens, settings=settings, end_of_text=end)
    return prompt + tokenizer.decode(made[:-1] if made[-1] == end else made)

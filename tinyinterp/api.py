"""What a model can be asked, as functions: what does each head do, each neuron; what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyinterp.corpus import Corpus, corpus_of, open_corpus
from tinyinterp.errors import CorpusError
from tinyinterp.model import Model

if TYPE_CHECKING:
    from tinyinterp.head_census import HeadCensus
    from tinyinterp.neuron_census import NeuronCensus

HEAD_TOKENS = 40_000  # read by default; a part of the bundled stories
NEURON_TOKENS = 100_000
HEAD_POSITIONS = 512  # longer stories are cut: the memory for patterns goes with the square

Text = Corpus | Path | str | Sequence[str] | None


def heads(
    model: Model, corpus: Text = None, *, max_tokens: int | None = HEAD_TOKENS, **settings: Any
) -> HeadCensus:
    """Measure and label every attention head.

    Args:
        model: from :func:`tinyinterp.load`.
        corpus: a :class:`Corpus`, the path of a text, a list of stories, or None for the bundled
            stories.
        max_tokens: how much of it is read, unless it is a :class:`Corpus`; None: all.
        **settings: of :class:`tinyinterp.head_census.HeadSettings`.

    Raises:
        CorpusError: the text cannot be read, or was tokenised for another model.
    """
    from tinyinterp.head_census import HeadSettings, census_heads

    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    text = as_corpus(model, corpus, max_tokens, n_ctx)
    return census_heads(model, text, HeadSettings(**settings))


def neurons(
    model: Model,
    corpus: Text = None,
    *,
    layer: int | Sequence[int] | None,
    max_tokens: int | None = NEURON_TOKENS,
    **settings: Any,
) -> NeuronCensus:
    """Measure and label every neuron of some layers, and gather what it fires on most.

    Args:
        model: from :func:`tinyinterp.load`.
        corpus: as for :func:`heads`.
        layer: one or several, counted from 0; None: all.
        max_tokens: how much of the text is read, unless it is a :class:`Corpus`; None: all.
        **settings: of :class:`tinyinterp.neuron_census.NeuronSettings`.

    Raises:
        CorpusError: the text cannot be read, or was tokenised for another model.
        SelectionError: the model has no such layer.
    """
    from tinyinterp.neuron_census import NeuronSettings, census_neurons

    layers = (layer,) if isinstance(layer, int) else tuple(layer or ())
    chosen = NeuronSettings(layers, **settings)
    text = as_corpus(model, corpus, max_tokens, model.config.n_ctx)
    return census_neurons(model, text, chosen)


def generate(model: Model, prompt: str, **settings: Any) -> str:
    """The prompt as the beginning of a story, and what the model makes of it.

    Args:
        model: from :func:`tinyinterp.load`.
        prompt: how the story begins; it stands behind the end-of-text token.
        **settings: of :class:`tinyinterp.generation.Sampling`: ``temperature`` (0 is greedy),
            ``top_k``, ``top_p``, ``seed``, ``max_tokens``.

    Raises:
        ConfigError: the prompt leaves no room in the context, or a setting is out of its range.
    """
    from tinyinterp.generation import Sampling
    from tinyinterp.generation import generate as continuations

    end, tokenizer = model.tokenizer.end_of_text, model.tokenizer
    tokens = [end, *tokenizer.encode(prompt).ids]
    (made,) = continuations(model.decoder, tokens, settings=Sampling(**settings), end_of_text=end)
    return tokenizer.decode([*tokens[1:], *(made[:-1] if made[-1] == end else made)])


def as_corpus(model: Model, corpus: Text, max_tokens: int | None, n_ctx: int) -> Corpus:
    """What was given as a text, opened for ``model``.

    Raises:
        CorpusError: the text cannot be read, or was tokenised for another model.
    """
    tokenizer = model.tokenizer
    if isinstance(corpus, Corpus):
        if corpus.tokenizer is not tokenizer and (
            corpus.tokenizer.backend.to_str() != tokenizer.backend.to_str()
            or corpus.tokenizer.unknown_from != tokenizer.unknown_from
        ):
            raise CorpusError(
                f"the corpus {corpus.name!r} was opened with the tokenizer of another model; "
                f"open it with the one of {model.name!r}"
            )
        if corpus.n_ctx > model.config.n_ctx:
            raise CorpusError(
                f"the corpus {corpus.name!r} has sequences of up to {corpus.n_ctx} tokens, the "
                f"context of {model.name!r} holds {model.config.n_ctx}; open it with "
                f"n_ctx={model.config.n_ctx}"
            )
        return corpus
    if corpus is None or isinstance(corpus, (str, Path)):
        text = Path(corpus) if corpus is not None else None
        return open_corpus(tokenizer, n_ctx, text=text, max_tokens=max_tokens)
    return replace(corpus_of(list(corpus), tokenizer, n_ctx), max_tokens=max_tokens)

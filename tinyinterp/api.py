"""What a model can be asked, as functions: what does each head do, each neuron; what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinyinterp.model import Model, Text

if TYPE_CHECKING:
    from tinyinterp.results import Heads, Neurons

HEAD_TOKENS = 40_000  # read by default; a part of the bundled stories
NEURON_TOKENS = 100_000
ACCOUNT_TOKENS = None  # all of the text: what is fitted on counts as much as the rungs
ACCOUNT_POSITIONS = 512
HEAD_POSITIONS = 512  # longer stories are cut: the memory for patterns goes with the square


def heads(
    model: Model, corpus: Text = None, *, max_tokens: int | None = HEAD_TOKENS, **settings: Any
) -> Heads:
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
    from tinyinterp.results import Heads

    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    text = model.corpus(corpus, max_tokens=max_tokens, n_ctx=n_ctx)
    return Heads.of(census_heads(model, text, HeadSettings(**settings)))


def neurons(
    model: Model,
    corpus: Text = None,
    *,
    layer: int | Sequence[int] | None,
    max_tokens: int | None = NEURON_TOKENS,
    **settings: Any,
) -> Neurons:
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
    from tinyinterp.results import Neurons

    layers = (layer,) if isinstance(layer, int) else tuple(layer or ())
    chosen = NeuronSettings(layers, **settings)
    text = model.corpus(corpus, max_tokens=max_tokens)
    return Neurons.of(census_neurons(model, text, chosen))


def generate(model: Model, prompt: str, **settings: Any) -> str:
    """The prompt as the beginning of a story, and what the model makes of it.

    Args:
        model: from :func:`tinyinterp.load`.
        prompt: how the story begins; it stands behind the end-of-text token.
        **settings: of :class:`tinyinterp.network.generation.Sampling`: ``temperature`` (0 is
            greedy), ``top_k``, ``top_p``, ``seed``, ``max_tokens``.

    Raises:
        ConfigError: the prompt leaves no room in the context, or a setting is out of its range.
    """
    from tinyinterp.network.generation import Sampling
    from tinyinterp.network.generation import generate as continuations

    end, tokenizer = model.tokenizer.end_of_text, model.tokenizer
    tokens = [end, *tokenizer.encode(prompt).ids]
    (made,) = continuations(model.decoder, tokens, settings=Sampling(**settings), end_of_text=end)
    return tokenizer.decode([*tokens[1:], *(made[:-1] if made[-1] == end else made)])

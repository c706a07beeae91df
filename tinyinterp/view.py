"""Looking, in a notebook or as a page: what heads look at, where neurons fire.

    from tinyinterp import view

    view.attention(model, "Once upon a time", layer=2)
    view.neurons(model, "Once upon a time", layer=4, neuron=[5, 17])
    view.top_tokens(census, layer=4, neuron=17)

Each gives a :class:`Widget` that a notebook shows and that ``.save("page.html")`` writes as a page;
neither needs a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinyinterp.api import Text
from tinyinterp.model import Model
from tinyinterp.views.widgets import Widget

if TYPE_CHECKING:
    from tinyinterp.neuron_census import NeuronCensus

__all__ = ["Widget", "attention", "neurons", "top_tokens"]


def attention(
    model: Model, text: str, layer: int, heads: int | Sequence[int] | None = None
) -> Widget:
    """What the heads of a layer look at on ``text``: choose a head, hover over a token.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context.
        layer: counted from 0.
        heads: counted from 0; None: all.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: there is no such layer or head.
    """
    from tinyinterp.one_text import choose, read_pattern, tokenize
    from tinyinterp.views.widgets import attention_widget

    read = tokenize(model, text)
    patterns = read_pattern(model, read.ids, layer)
    chosen = choose("head", heads, model.config.n_heads)
    kind = model.config.attention[layer]
    return attention_widget(
        patterns[chosen],
        read.tokens,
        [f"Head {head}" for head in chosen],
        f"Attention of layer {layer} ({kind}) of {model.name}",
    )


def neurons(model: Model, text: str, layer: int, neuron: int | Sequence[int]) -> Widget:
    """``text`` coloured by what one or more neurons do on it, after the non-linearity.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context.
        layer: counted from 0.
        neuron: one or several, counted from 0.

    Raises:
        CorpusError: the text is empty or too long.
        SelectionError: there is no such layer or neuron.
    """
    from tinyinterp.one_text import choose, read_activations, tokenize
    from tinyinterp.views.widgets import Choice, ColouredText, coloured_widget

    read = tokenize(model, text)
    values = read_activations(model, read.ids, layer)
    choices = [
        Choice(f"neuron {layer}.{number}", [ColouredText(read.tokens, values[:, number].tolist())])
        for number in choose("neuron", neuron, model.config.d_mlp)
    ]
    return coloured_widget(choices, f"Neurons of layer {layer} of {model.name}")


def top_tokens(
    source: NeuronCensus | Model,
    layer: int,
    neuron: int | Sequence[int],
    *,
    k: int = 10,
    text: Text = None,
) -> Widget:
    """Where neurons fire most, in context.

    Args:
        source: a census from :func:`tinyinterp.neurons`, whose best places are shown; or a model,
            which reads ``text`` and colours the contexts, too.
        layer: counted from 0.
        neuron: one or several, counted from 0.
        k: places of each neuron, at most.
        text: what a model reads, as for :func:`tinyinterp.neurons`; None: the beginning of the
            bundled stories.

    Raises:
        CorpusError: the text cannot be read.
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    from tinyinterp.top_places import places_of_census, places_of_model
    from tinyinterp.views.widgets import Choice, ColouredText, coloured_widget

    if isinstance(source, Model):
        found = places_of_model(source, layer, neuron, k, text)
        name = source.name
    else:
        found = places_of_census(source, layer, neuron, k)
        name = source.layers[layer].table.notes["model"]
    choices = [
        Choice(
            f"neuron {layer}.{number}",
            [ColouredText(place.tokens, place.values, place.note) for place in places],
        )
        for number, places in found.items()
    ]
    return coloured_widget(choices, f"Where neurons of layer {layer} of {name} fire most")

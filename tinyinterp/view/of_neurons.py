"""Neurons on a text, and where they fire most."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.errors import SelectionError
from tinyinterp.model import Model, Text, require_model
from tinyinterp.run import Run, value_at
from tinyinterp.selection import Index, Indices, choose, choose_one
from tinyinterp.view.given import NEURONS, name_of_run, run_of
from tinyinterp.views.style import shown_name
from tinyinterp.views.widgets import Choice, ColouredText, Widget, coloured_widget

if TYPE_CHECKING:
    from tinyinterp.neuron_census import NeuronCensus


def neurons(model: Model, text: str | Run, layer: Index, neuron: Indices) -> Widget:
    """``text`` coloured by the activations of one or more neurons, after the non-linearity.

    Args:
        model: from :func:`tinyinterp.load`.
        text: no longer than the model's context; or what :meth:`Model.run` gave.
        layer: counted from 0.
        neuron: one or several, counted from 0.

    Raises:
        CorpusError: the text is no string, is empty, or is too long.
        SelectionError: no model was given, the run is of another one, or there is no such layer or
            neuron.
    """
    require_model(model)
    layer = choose_one("layer", layer, model.config.n_layers)
    chosen = choose("neuron", neuron, model.config.d_mlp)
    if isinstance(text, Run):
        run = run_of(model, text)
        tokens, values, name = run.tokens, run.activations[layer], name_of_run(model, run)
    else:
        read = model.read(text)
        tokens, name = read.tokens, shown_name(model.name)
        values = value_at(model.decoder, read.ids, f"blocks.{layer}.mlp.hook_post")
    choices = [
        Choice(f"neuron {layer}.{number}", [ColouredText(tokens, values[:, number].tolist())])
        for number in chosen
    ]
    return coloured_widget(choices, f"Neurons of layer {layer} of {name}")


def top_tokens(
    source: NeuronCensus | Model,
    layer: Index,
    neuron: Indices,
    *,
    k: int = 10,
    text: Text = None,
) -> Widget:
    """Where neurons fire most, in context.

    Args:
        source: a census from :func:`tinyinterp.neurons`, whose top activations are shown; or
            a model, which reads ``text`` and also colours the contexts.
        layer: counted from 0.
        neuron: one or several, counted from 0.
        k: hits of each neuron, at most.
        text: what a model reads, as for :func:`tinyinterp.neurons`; None: the beginning of the
            bundled stories.

    Raises:
        CorpusError: the text cannot be read.
        SelectionError: there is no such layer or neuron, ``k`` is below 1, or neither a model nor
            a census of neurons was given.
    """
    from tinyinterp.neuron_census import NeuronCensus
    from tinyinterp.views.top_hits import hits_of_census, hits_of_model

    if isinstance(source, Model):
        found = hits_of_model(source, layer, neuron, k, text)
        name = source.name
    elif isinstance(source, NeuronCensus):
        found = hits_of_census(source, layer, neuron, k)
        name = source.layer(layer).table.notes["model"]
    else:
        if isinstance(source, (str, Path)):
            require_model(source)
        raise SelectionError(
            f"{type(source).__name__} is neither a model nor a census of neurons: give what "
            f"tinyinterp.load() or {NEURONS} returns"
        )
    choices = [
        Choice(
            f"neuron {layer}.{number}",
            [ColouredText(hit.tokens, hit.values, hit.note) for hit in hits],
        )
        for number, hits in found.items()
    ]
    return coloured_widget(choices, f"Largest activations, layer {layer} of {shown_name(name)}")

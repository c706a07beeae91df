"""One text through a model, with any heads and neurons switched off, and what can be read of it."""

from tinyinterp.run.attribution import Attribution, attribute, attribute_neurons
from tinyinterp.run.components import Component, Head, Neuron, head, neuron, parse
from tinyinterp.run.lens import Lens, logit_lens
from tinyinterp.run.means import Means, measure_means
from tinyinterp.run.run import Run, run_text, value_at
from tinyinterp.run.switches import Instead, Zeros
from tinyinterp.run.words import Read, read_text

__all__ = [
    "Attribution",
    "Component",
    "Head",
    "Instead",
    "Lens",
    "Means",
    "Neuron",
    "Read",
    "Run",
    "Zeros",
    "attribute",
    "attribute_neurons",
    "head",
    "logit_lens",
    "measure_means",
    "neuron",
    "parse",
    "read_text",
    "run_text",
    "value_at",
]

"""The census of neurons: which words and parts of speech each fires on."""

from tinyinterp.neuron_census.census import NeuronCensus, census_neurons
from tinyinterp.neuron_census.neuron_rows import NeuronRow
from tinyinterp.neuron_census.settings import NeuronSettings

__all__ = ["NeuronCensus", "NeuronRow", "NeuronSettings", "census_neurons"]

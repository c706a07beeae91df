"""The census of neurons: which words and parts of speech each fires on."""

from tinyinterp.neuron_census.census import (
    NeuronCensus,
    NeuronRow,
    NeuronSettings,
    census_neurons,
)

__all__ = ["NeuronCensus", "NeuronRow", "NeuronSettings", "census_neurons"]

"""The census of neurons: the words and parts of speech that each neuron fires on.

    measure             one pass over FIT, one over TEST, into running sums of each layer:
      activations         which value is a neuron's, and which token each row belongs to
      sides               sums and counts on FIT and on TEST
      top_activations     the largest and smallest activations, in context
      sample              an even sample of TEST tokens, for ranks
    evidence ► labels   what decides the kind of a neuron
    correlation         Pearson's r of every neuron and tag, which chooses the best tag
    association         AUROC of every neuron for every tag
    nulls, effects      models that learned nothing; what a neuron does to the next token
    tables, notes       what is written, and what it was measured on
    census              all of it, in order

``kernels`` and ``ranking`` are the compiled loops; ``checkpointer`` lets an interrupted census
resume; ``finished`` reads a census from its folder.
"""

from tinyinterp.neuron_census.census import NeuronCensus, census_neurons
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.tables import NeuronRow

__all__ = ["NeuronCensus", "NeuronRow", "NeuronSettings", "census_neurons"]

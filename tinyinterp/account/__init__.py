"""How much of a head, of a neuron and of the whole model a simple story explains."""

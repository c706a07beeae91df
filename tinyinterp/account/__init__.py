"""How much of a head, a neuron or the whole model a simple story explains."""

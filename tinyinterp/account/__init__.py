"""The account: how much of a head, a neuron and the whole model a simple story explains, by running it."""

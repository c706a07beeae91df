"""The account: how much of a head, a neuron or the model a simple story explains, by running it."""

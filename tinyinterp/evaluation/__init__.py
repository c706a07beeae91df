"""How good a model is: loss, and more to come."""

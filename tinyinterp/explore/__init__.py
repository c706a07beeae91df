"""A live page on this machine: type a text, see what the model does with it, switch parts off."""

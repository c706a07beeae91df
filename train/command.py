"""What the user typed to come here, for messages: the package's name tells which command it was."""

from __future__ import annotations

INSIDE = __name__.startswith("tinyinterp.")  # behind the command tinyinterp, not python -m train
COMMAND = "tinyinterp train" if INSIDE else "python -m train"
PREFIX = "tinyinterp" if INSIDE else COMMAND  # of each line about an error
TORCHRUN = f"torchrun --nproc-per-node N -m {'tinyinterp train' if INSIDE else 'train'}"

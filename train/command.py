"""The command that the user typed, for messages; the name of the package identifies it."""

from __future__ import annotations

INSIDE = __name__.startswith("tinyinterp.")  # behind the command tinyinterp, not python -m train
COMMAND = "tinyinterp train" if INSIDE else "python -m train"
PREFIX = "tinyinterp" if INSIDE else COMMAND  # of each line about an error
TORCHRUN = f"torchrun --nproc-per-node N -m {'tinyinterp train' if INSIDE else 'train'}"

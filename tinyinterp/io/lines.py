"""How wide the lines are that a person reads: on a terminal, in text files, in notes."""

from __future__ import annotations

WIDTH = 100  # characters

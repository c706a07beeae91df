"""Training, in a checkout: this package's modules lie in the folder ``train/`` of the repository.

A wheel has that folder here instead, so that it installs no top-level module ``train``.
"""

from __future__ import annotations

from pathlib import Path

__path__ = [str(Path(__file__).parents[2] / "train")]

"""The randomly initialised model of a trained one: same shape and tokenizer, weights of a seed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import tinyinterp
from tinyinterp import checkpoint
from tinyinterp.model import Model
from tinyinterp.network.decoder import Decoder


@contextmanager
def randomly_initialised(model: Model, seed: int) -> Iterator[Model]:
    """A model of the shape of ``model`` whose weights were only initialised."""
    with TemporaryDirectory() as folder:
        decoder = Decoder(model.config).initialize(torch.Generator().manual_seed(seed)).eval()
        checkpoint.save(Path(folder), decoder, model.tokenizer, {"step": 0})
        yield tinyinterp.load(folder)

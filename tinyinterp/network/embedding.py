"""A table of vectors, a row for each token or position."""

from __future__ import annotations

import torch
from torch import nn


def make_embedding(n_rows: int, d_model: int) -> nn.Embedding:
    """An embedding as torch makes it, or a shape without weights on the device ``meta``.

    There torch would draw weights that do not exist, and to do so import its compiler, which takes
    longer than all the rest of opening a checkpoint.
    """
    if torch.get_default_device().type == "meta":
        return nn.Embedding.from_pretrained(torch.empty(n_rows, d_model), freeze=False)
    return nn.Embedding(n_rows, d_model)

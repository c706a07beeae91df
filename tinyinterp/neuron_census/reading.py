"""Which value is read as a neuron's: after its non-linearity, before it, or as the report did.

    post      mlp.hook_post: what the neuron hands on
    pre       mlp.hook_pre: the same before the non-linearity
    report    hook_resid_pre W_in + b_in: the residual stream at the block's input, fed straight
              into the up-projection, without this block's attention and without the second layer
              norm, before the non-linearity

The report's is no value that the model computes: it is there for comparison only.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.network.decoder import Decoder
from tinyinterp.selection import Index, choose_one

READINGS = ("post", "pre", "report")


def read(decoder: Decoder, layer: Index, reading: str) -> tuple[str, Callable[[Tensor], Tensor]]:
    """Where to listen, and what makes ``[batch position neuron]`` of the tensor found there.

    Raises:
        SelectionError: there is no such reading, or no such layer.
    """
    if reading not in READINGS:
        raise SelectionError(
            f"there is no reading {reading!r}; choose one of {', '.join(READINGS)}"
        )
    layer = choose_one("layer", layer, decoder.config.n_layers)
    if reading == "report":
        return f"blocks.{layer}.hook_resid_pre", decoder.block(layer).mlp.up
    return f"blocks.{layer}.mlp.hook_{reading}", lambda value: value

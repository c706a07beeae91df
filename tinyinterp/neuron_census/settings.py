"""What a census of neurons is asked for, and where in a model it listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from tinyinterp.errors import SelectionError

Reading = Literal["post", "pre"]
PLACES: Mapping[Reading, str] = {"post": "mlp.hook_post", "pre": "mlp.hook_pre"}
NULL_TOKENS = 30_000  # of the text that models without training read


@dataclass(frozen=True)
class NeuronSettings:
    """What is asked for. ``batch_size`` never changes a number.

    Args:
        layers: counted from 0; none: all.
        top: activations kept for each neuron, largest and smallest.
        seed: of the token sample, the bootstrap and the null models.
        batch_size: micro-batches read ahead at a time.
        per_story: keep one activation a story, its largest (or smallest).
        reading: the value that a neuron hands on (``post``), or before the non-linearity (``pre``).
        null_tokens: of the text that the null models read; 0: no null models.
    """

    layers: tuple[int, ...] = ()
    top: int = 20
    seed: int = 0
    batch_size: int = 8
    per_story: bool = False
    reading: Reading = "post"
    null_tokens: int = NULL_TOKENS

    def __post_init__(self) -> None:
        numbers = {"top": 1, "seed": 0, "batch_size": 1, "null_tokens": 0}
        for name, least in numbers.items():
            if getattr(self, name) < least:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}"
                )
        if self.reading not in get_args(Reading):
            raise SelectionError(
                f"{self.reading!r} is no reading; known: {', '.join(get_args(Reading))}"
            )

    def chosen_layers(self, n_layers: int) -> tuple[int, ...]:
        """The layers asked for, in order, each once.

        Raises:
            SelectionError: the model has no such layer.
        """
        for layer in self.layers:
            if not 0 <= layer < n_layers:
                raise SelectionError(
                    f"there is no layer {layer}; this model has {n_layers}, counted from 0 "
                    f"to {n_layers - 1}"
                )
        return tuple(sorted(set(self.layers))) or tuple(range(n_layers))

    def place(self, layer: int) -> str:
        """The name of what is read of a layer, such as ``blocks.4.mlp.hook_post``."""
        return f"blocks.{layer}.{PLACES[self.reading]}"

"""One pass of a model over a text, with any number of accumulators listening.

An accumulator names the places it wants (TransformerLens names, which are the decoder's own) and is
called with each tensor as the forward pass makes it, so that no more than one layer is held. The
pass stops once everybody has heard from the last layer that anybody listens to. The model may be
our decoder, which is several times faster, or a ``HookedTransformer``: the places have the same
names in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from tinyinterp.corpus import MicroBatch
from tinyinterp.decoder import Decoder
from tinyinterp.errors import SelectionError
from tinyinterp.packed import packed
from tinyinterp.progress import Progress

Hook = Callable[[Tensor], Tensor | None]
LAYER = re.compile(r"^blocks\.(\d+)\.")


@runtime_checkable
class Accumulator(Protocol):
    """Gathers something over a text."""

    def places(self) -> Iterable[str]:
        """The names it listens to, such as ``blocks.3.attn.hook_pattern``."""
        ...

    def observe(self, batch: MicroBatch, place: str, value: Tensor) -> None:
        """Take in the tensor that ``place`` held for ``batch``; padding is not masked."""
        ...


class _EnoughSeen(Exception):  # noqa: N818 - not an error: the layers above are not needed
    pass


def scan(
    engine: nn.Module,
    batches: Iterable[MicroBatch],
    accumulators: Iterable[Accumulator],
    *,
    batch_size: int = 8,
    report: Progress | None = None,
    after: Callable[[], None] | None = None,
) -> int:
    """Forward every micro-batch; returns how many tokens were read, padding not counted.

    Args:
        engine: a :class:`Decoder` or a ``HookedTransformer``.
        batch_size: micro-batches read and tokenised ahead at a time; results do not depend on it.
        after: called once every accumulator has taken in a micro-batch.

    Raises:
        SelectionError: an accumulator listens to a place the model has not.
    """
    listeners: dict[str, list[Accumulator]] = {}
    for accumulator in accumulators:
        for place in accumulator.places():
            listeners.setdefault(place, []).append(accumulator)
    current: list[MicroBatch] = []

    def hook_for(place: str) -> Hook:
        def hook(value: Tensor) -> None:
            for accumulator in listeners[place]:
                accumulator.observe(current[0], place, value)

        return hook

    hooks = {place: hook_for(place) for place in listeners}
    n_tokens = 0
    remaining = iter(batches)
    with torch.inference_mode(), packed(engine), hooked_at(engine, hooks, stop=True):
        while group := list(islice(remaining, batch_size)):
            for batch in group:
                current[:] = [batch]
                read = sum(batch.lengths)
                forward(engine, batch.tokens)
                n_tokens += read
                if report is not None:
                    report.advance(read)
                if after is not None:
                    after()
    return n_tokens


def forward(engine: nn.Module, tokens: Tensor) -> Tensor | None:
    """Logits, or None if the pass stopped below the top."""
    device = next(engine.parameters()).device
    try:
        return engine(tokens.to(device))
    except _EnoughSeen:
        return None


@contextmanager
def hooked_at(
    engine: nn.Module, hooks: Mapping[str, Hook], *, stop: bool = False
) -> Iterator[None]:
    """Call ``hooks[place]`` with the tensor at each place; what it returns replaces it, but None.

    With ``stop`` the pass ends as soon as every hook of the last layer has been called.

    Raises:
        SelectionError: the model has no such place.
    """
    modules = dict(engine.named_modules())
    last = _of_the_last_layer(hooks) if stop else set()
    called: set[str] = set()

    def forward_hook(place: str, hook: Hook) -> Callable[[nn.Module, object, Tensor], Any]:
        def call(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
            value = hook(output)
            if place in last:
                called.add(place)
                if called == last:
                    called.clear()
                    raise _EnoughSeen
            return value

        return call

    handles = []
    try:
        for place, hook in hooks.items():
            if place not in modules:
                raise SelectionError(f"the model has no place {place!r}; {_known_places(engine)}")
            handles.append(modules[place].register_forward_hook(forward_hook(place, hook)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of_the_last_layer(places: Iterable[str]) -> set[str]:
    """Those in the highest layer named; none if some place lies outside of the blocks."""
    layers = {place: LAYER.match(place) for place in places}
    numbers = {place: int(match.group(1)) for place, match in layers.items() if match}
    if len(numbers) < len(layers):
        return set()
    return {place for place, layer in numbers.items() if layer == max(numbers.values())}


def _known_places(engine: nn.Module) -> str:
    if isinstance(engine, Decoder):
        return f"it has {engine.config.n_layers} layers, counted from 0"
    return "see its hook_dict"

"""One pass of a model over a text, with any number of accumulators listening.

An accumulator lists the hook names it wants (TransformerLens's, which are the decoder's own) and is
called with each tensor as the forward pass makes it, so that no more than one layer is held. The
pass stops once everybody has heard from the last layer that anybody listens to. The model may be
our decoder, which is several times faster, or a ``HookedTransformer``: hook names are the same in
both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from tinyinterp.errors import CheckpointError, SelectionError
from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.packed import packed
from tinyinterp.processes import Processes, current
from tinyinterp.text.sequences import MicroBatch

Hook = Callable[[Tensor], Tensor | None]
LAYER = re.compile(r"^blocks\.(\d+)\.")


@runtime_checkable
class Mergeable(Protocol):
    """What several processes can gather together, each over its part of a text."""

    def merge(self, processes: Processes) -> None:
        """Take in what the others gathered, as if this one had read the whole text."""
        ...


@runtime_checkable
class Accumulator(Protocol):
    """Gathers something over a text."""

    def hook_names(self) -> Iterable[str]:
        """The hook names it listens to, such as ``blocks.3.attn.hook_pattern``."""
        ...

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        """Take in the tensor that the hook ``name`` saw for ``batch``; padding is not masked."""
        ...


class _EnoughSeen(Exception):  # noqa: N818 - not an error: the layers above are not needed
    pass


def scan(
    engine: nn.Module,
    batches: Iterable[MicroBatch],
    accumulators: Iterable[Accumulator],
    *,
    report: Progress | None = None,
    after: Callable[[], None] | None = None,
) -> int:
    """Forward every micro-batch; returns how many tokens were read, padding not counted.

    Of several processes (:func:`tinyinterp.processes.processes`) each forwards every n-th, and then
    they merge what they gathered; all read everything where an accumulator cannot be merged.

    Args:
        engine: a :class:`Decoder` or a ``HookedTransformer``.
        batches: forwarded one after the other; the next few are tokenised by :class:`Corpus`.
        accumulators: what listens.
        report: advances by the tokens read.
        after: called once every accumulator has taken in a micro-batch.

    Raises:
        SelectionError: the model has no hook of a name that an accumulator listens to.
        CheckpointError: what the model computes there is NaN or infinite.
    """
    listening = list(accumulators)
    sharing = current() if all(isinstance(each, Mergeable) for each in listening) else None
    listeners: dict[str, list[Accumulator]] = {}
    for accumulator in listening:
        for name in accumulator.hook_names():
            listeners.setdefault(name, []).append(accumulator)
    read_now: list[MicroBatch] = []

    def hook_for(name: str) -> Hook:
        def hook(value: Tensor) -> None:
            _require_finite(name, value)
            for accumulator in listeners[name]:
                accumulator.observe(read_now[0], name, value)

        return hook

    hooks = {name: hook_for(name) for name in listeners}
    n_tokens, world = 0, 1 if sharing is None else sharing.world
    mine = batches if sharing is None else sharing.dealt(batches)
    with torch.inference_mode(), packed(engine), hooked_at(engine, hooks, stop=True):
        for batch in mine:
            read_now[:] = [batch]
            read = sum(batch.lengths)
            forward(engine, batch.tokens)
            n_tokens += read
            if report is not None:
                report.advance(read * world)
            if after is not None:
                after()
    return n_tokens if sharing is None else _merge(listening, n_tokens, sharing)


def _merge(accumulators: Iterable[Any], n_tokens: int, sharing: Processes) -> int:
    for accumulator in accumulators:
        accumulator.merge(sharing)
    return int(sharing.summed(n_tokens)[0])


def _require_finite(name: str, value: Tensor) -> None:
    """Refuse numbers that no label may rest on; their sum is cheap and shows any of them."""
    if math.isfinite(value.sum().item()) or bool(torch.isfinite(value).all()):
        return
    raise CheckpointError(
        f"the model computes NaN or infinite numbers at {name} on this text, so that nothing can "
        "be measured; the training run diverged or its weights are too large: take an earlier "
        "checkpoint"
    )


def forward(engine: nn.Module, tokens: Tensor) -> Tensor | None:
    """Logits, or None if the pass stopped below the top."""
    device = next(engine.parameters()).device
    try:
        return engine(tokens.to(device))
    except _EnoughSeen:
        return None


@contextmanager
def kept(
    engine: nn.Module, names: Iterable[str], *, stop: bool = False
) -> Iterator[dict[str, Tensor]]:
    """Keep what the last pass gave at each of these hooks; ``stop`` as for :func:`hooked_at`.

    Raises:
        SelectionError: the model has no such hook.
    """
    seen: dict[str, Tensor] = {}
    hooks: dict[str, Hook] = {name: partial(seen.__setitem__, name) for name in names}
    with hooked_at(engine, hooks, stop=stop):
        yield seen


@contextmanager
def hooked_at(
    engine: nn.Module, hooks: Mapping[str, Hook], *, stop: bool = False
) -> Iterator[None]:
    """Call ``hooks[name]`` with the tensor at each hook; what it returns replaces it, but None.

    With ``stop`` the pass ends as soon as every hook of the last layer has been called.

    Raises:
        SelectionError: the model has no such hook.
    """
    modules = dict(engine.named_modules())
    last = _of_the_last_layer(hooks) if stop else set()
    called: set[str] = set()

    def forward_hook(name: str, hook: Hook) -> Callable[[nn.Module, object, Tensor], Any]:
        def call(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
            value = hook(output)
            if name in last:
                called.add(name)
                if called == last:
                    called.clear()
                    raise _EnoughSeen
            return value

        return call

    handles = []
    try:
        for name, hook in hooks.items():
            if name not in modules:
                raise SelectionError(f"the model has no hook {name!r}; {_known_hooks(engine)}")
            handles.append(modules[name].register_forward_hook(forward_hook(name, hook)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of_the_last_layer(names: Iterable[str]) -> set[str]:
    """Those in the highest layer named; none if some hook lies outside of the blocks."""
    layers = {name: LAYER.match(name) for name in names}
    numbers = {name: int(match.group(1)) for name, match in layers.items() if match}
    if len(numbers) < len(layers):
        return set()
    return {name for name, layer in numbers.items() if layer == max(numbers.values())}


def _known_hooks(engine: nn.Module) -> str:
    if isinstance(engine, Decoder):
        return f"it has {engine.config.n_layers} layers, counted from 0"
    return "see its hook_dict"

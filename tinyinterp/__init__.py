"""What each attention head and each neuron of a small language model does, measured.

    import tinyinterp

    model = tinyinterp.load()            # the bundled model; or a folder, or a name on the hub
    tinyinterp.heads(model)              # what every head does
    tinyinterp.neurons(model, layer=4)   # what the neurons of a layer fire on
    tinyinterp.account(model)            # how much of it simple stories explain
    tinyinterp.generate(model, "Once")   # a story
    tinyinterp.view.attention(model, "Once upon a time", layer=2)   # to look at in a notebook

Names are imported when they are first used, so that ``import tinyinterp`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tinyinterp.allocator import keep_freed_memory
from tinyinterp.caches import prepare_caches
from tinyinterp.threads import let_waiting_threads_sleep

if TYPE_CHECKING:
    from tinyinterp import view
    from tinyinterp.api import account, generate, heads, neurons
    from tinyinterp.errors import TinyinterpError
    from tinyinterp.model import Model, load
    from tinyinterp.run.components import head, neuron
    from tinyinterp.text.corpus import Corpus

__version__ = "0.1.0"
__all__ = [
    "Corpus",
    "Model",
    "TinyinterpError",
    "__version__",
    "account",
    "generate",
    "head",
    "heads",
    "load",
    "neuron",
    "neurons",
    "view",
]

_MODULES = {
    "Corpus": "tinyinterp.text.corpus",
    "Model": "tinyinterp.model",
    "TinyinterpError": "tinyinterp.errors",
    "account": "tinyinterp.api",
    "generate": "tinyinterp.api",
    "head": "tinyinterp.run.components",
    "heads": "tinyinterp.api",
    "load": "tinyinterp.model",
    "neuron": "tinyinterp.run.components",
    "neurons": "tinyinterp.api",
}


prepare_caches()  # before anything imports numba or matplotlib
let_waiting_threads_sleep()  # ... or torch
keep_freed_memory()


def __getattr__(name: str) -> object:
    if name == "view":
        return import_module("tinyinterp.view")
    if name not in _MODULES:
        raise AttributeError(f"module 'tinyinterp' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, "view"})

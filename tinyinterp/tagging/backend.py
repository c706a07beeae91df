"""Imports textblob's tagger without ``scipy.stats``, which takes a second and which it never calls.

textblob imports all of nltk. One of its modules imports Fisher's exact test, and does without where
SciPy is missing; here it is told so, and gets a test that imports SciPy once somebody calls it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

UNUSED = "scipy.stats"
IMPORTER = "nltk.metrics.association"


def new_tagger() -> Any:
    """A ``PatternTagger`` of textblob."""
    if UNUSED in sys.modules or IMPORTER in sys.modules:
        return _tagger()
    sys.modules[UNUSED] = None  # pyright: ignore[reportArgumentType] - how an import is refused
    try:
        made = _tagger()
    finally:
        del sys.modules[UNUSED]
    if (importer := sys.modules.get(IMPORTER)) is not None:
        vars(importer)["fisher_exact"] = _fisher_exact
    return made


def _tagger() -> Any:
    return import_module("textblob.en.taggers").PatternTagger()


def _fisher_exact(*arguments: Any, **named: Any) -> Any:
    return import_module(UNUSED).fisher_exact(*arguments, **named)

"""textblob's tagger and its lexicon, without the rest of textblob.

``import textblob`` imports all of nltk; the tagger is one file that needs nothing but the standard
library, and a list of words. So that file is loaded by its path, and belongs to no package. It lies
where it did in every release that ``pyproject.toml`` allows.

What it does is less than its rules by Brill, which lie beside the list and which it leaves out: a
word has the tag that the lexicon gives it, whatever stands beside it; one that the lexicon lacks is
a name (a capital), a number, or what its ending says.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def penn_tags(words: Sequence[str]) -> list[str]:
    """The Penn tags that textblob's ``PatternTagger`` gives the words of a sentence."""
    return [tag for _, tag in _parser().find_tags(words)]


def lexicon() -> Mapping[str, str]:
    """The one tag that each word has there."""
    return _parser().lexicon


@cache
def _parser() -> Any:
    """As ``textblob.en`` makes it, but for the rules and names that its tagger does not use."""
    folder = Path(str(distribution("textblob").locate_file("textblob")))
    spec = spec_from_file_location("textblob_text", folder / "_text.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} does not hold the textblob that is expected")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    words = module.Lexicon(path=str(folder / "en" / "en-lexicon.txt"), language="en")
    with warnings.catch_warnings():  # it is read at the first look, and its file left open
        warnings.simplefilter("ignore", ResourceWarning)
        words.get("a")
    return module.Parser(lexicon=words, default=("NN", "NNP", "CD"), language="en")

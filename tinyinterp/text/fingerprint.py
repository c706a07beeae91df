"""The fingerprint of a census: what two runs must share for one to stand in for the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tinyinterp import __version__
from tinyinterp.text.corpus import Corpus


def census_fingerprint(
    corpus: Corpus,
    *,
    tokens: int,
    digest: str,
    model: tuple[str, str],
    settings: Mapping[str, Any],
    thresholds: Mapping[str, Any],
    **others: Any,
) -> str:
    """SHA-256 of everything that the tables of a census depend on.

    Args:
        corpus: the text that was read, under its name.
        tokens: how many tokens of it were read.
        digest: SHA-256 over the stories that were read.
        model: its name, and the fingerprint of its weights.
        settings: of the census.
        thresholds: that decided its labels.
        **others: whatever else it depends on, such as the tagger.
    """
    start = corpus.tokenizer.start  # most often the token that ends a text
    others |= {"start": start} if start != "eos" else {}
    about = {
        "version": __version__,
        "model": list(model),
        "text": [corpus.name, corpus.n_ctx, tokens, digest],
        "settings": dict(settings),
        "thresholds": dict(thresholds),
        **others,
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

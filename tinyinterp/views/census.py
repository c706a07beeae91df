"""What the pictures of heads need from a census."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyinterp.io.table import Table


@runtime_checkable
class HeadCensusLike(Protocol):
    """The measured heads of one model on one text, with one short story to look at."""

    @property
    def table(self) -> Table:
        """A row per head."""
        ...

    @property
    def model_name(self) -> str:
        """What to call the model."""
        ...

    @property
    def corpus_name(self) -> str:
        """What to call the text."""
        ...

    @property
    def example_tokens(self) -> Sequence[str]:
        """The story's tokens as text, at most 48."""
        ...

    @property
    def example_patterns(self) -> Mapping[int, Float[np.ndarray, "head query key"]]:
        """Attention on that story, by layer."""
        ...

    @property
    def profiles(self) -> Float[np.ndarray, "layer head offset"]:
        """The fitted kernel: attention by distance, without the sink."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What a reader should know before believing a number."""
        ...

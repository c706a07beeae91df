"""What an atlas is made of, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.views.head_data import Story

Row = dict[str, Any]
Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Atlas:
    """A model as its censuses know it.

    Args:
        model_name: what to call the model.
        text: what the heads were measured on.
        facts: the model card: title of a section, and its facts.
        certificate: a row for each comparison of the conversion; empty without one.
        heads: the rows of the heads table.
        head_notes: its notes.
        stories: to look at.
        profiles: attention by distance, without the sink.
        neurons: folder of a census of neurons; None without one.
        account: of the same model; None without one.
        quick: what the overview says of an atlas that was measured in a hurry; empty otherwise.
    """

    model_name: str
    text: str
    facts: Sequence[tuple[str, Facts]]
    certificate: Sequence[Row]
    heads: Sequence[Row]
    head_notes: Mapping[str, Any]
    stories: Sequence[Story]
    profiles: Float[np.ndarray, "layer head offset"]
    neurons: Path | None
    account: FinishedAccount | None = None
    quick: str = ""

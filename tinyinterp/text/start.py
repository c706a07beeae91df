"""What is put in front of a story, where nobody says: the tokenizer's configuration decides."""

from __future__ import annotations

from typing import Literal

from tinyinterp.text.opening import Stored

Start = Literal["none", "bos", "eos"]  # what is put in front of a story


def choose_start(
    stored: Stored, bos: str | None, eos: str | None, start: Start | None, *, ours: bool
) -> tuple[Start, tuple[str, ...]]:
    """What is put in front of a story, and what its reader should know.

    A token that the configuration puts in front of every text; where it puts none and texts begin
    and end with the same token, that token, because it stands between texts in training; else none.

    Args:
        stored: the tokenizer.
        bos: the token that begins a text.
        eos: the token that ends a text.
        start: what was asked for; None: nothing.
        ours: whether the checkpoint was trained here, always on stories behind the token ``eos``.
    """
    notes = list(stored.notes)
    if stored.adds_after is not None:
        notes.append(
            f"the tokenizer's configuration adds {stored.adds_after} at the end of a text; it is "
            "left out"
        )
    chosen: Start = "none"
    if start is not None:
        chosen = start
    elif stored.adds_bos and bos is not None:
        chosen = "bos"
    elif eos is not None and bos in (None, eos):
        chosen = "eos"
        if not ours:
            notes.append(
                f"stories are read with {eos} in front, which stands between texts in training; "
                "the tokenizer's configuration adds none: --start none (in Python, start='none') "
                "leaves it out"
            )
    return chosen, tuple(notes)

"""What a caller may give as a model."""

from __future__ import annotations

from pathlib import Path

from tinyinterp.errors import SelectionError
from tinyinterp.model.compressor import CompressorModel
from tinyinterp.model.model import Model

AnyModel = Model | CompressorModel


def require_model(given: object) -> None:
    """Refuse everything but an open :class:`Model`.

    Raises:
        SelectionError: it is a name, a compressor, or anything else.
    """
    if isinstance(given, Model):
        return
    if isinstance(given, (str, Path)):
        raise SelectionError(
            f"{str(given)!r:.80} is a name, not a model: give tinyinterp.load({str(given)!r:.80})"
        )
    if isinstance(given, CompressorModel):
        raise SelectionError(f"{given.name!r:.80} is a compressor; expected a decoder")
    raise SelectionError(
        f"{type(given).__name__} was given in place of a model; expected what tinyinterp.load() "
        "returns"
    )

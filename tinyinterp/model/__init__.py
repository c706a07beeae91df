"""An open model with all that belongs to it, and how it is opened."""

from tinyinterp.model.compressor import CompressorModel
from tinyinterp.model.given import AnyModel, require_model
from tinyinterp.model.loading import load, load_any
from tinyinterp.model.model import MEANS_POSITIONS, MEANS_TOKENS, Model, Text
from tinyinterp.model.open_checkpoint import BUNDLED_NAME

__all__ = [
    "BUNDLED_NAME",
    "MEANS_POSITIONS",
    "MEANS_TOKENS",
    "AnyModel",
    "CompressorModel",
    "Model",
    "Text",
    "load",
    "load_any",
    "require_model",
]

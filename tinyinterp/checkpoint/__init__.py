"""The one checkpoint format: a folder that ``transformers`` opens, with ``training.json`` beside.

``config.json``, ``model.safetensors``, ``tokenizer.json``, ``tokenizer_config.json``. Weights are
safetensors only; nothing is ever unpickled. A compressor, which ``transformers`` does not know, has
the same files under names that are ours, and says so in ``config.json``.
"""

from tinyinterp.checkpoint.description import (
    COMPRESSOR,
    WEIGHTS,
    config_to_json,
    read_any_config,
    read_config,
    read_training,
)
from tinyinterp.checkpoint.folder import (
    Checkpoint,
    CompressorCheckpoint,
    bundled_folder,
    fingerprint,
    load,
    load_any,
    save,
)
from tinyinterp.checkpoint.hugging_face import config_to_hugging_face
from tinyinterp.checkpoint.names import to_hugging_face
from tinyinterp.checkpoint.weights import WEIGHTS_INDEX

__all__ = [
    "COMPRESSOR",
    "WEIGHTS",
    "WEIGHTS_INDEX",
    "Checkpoint",
    "CompressorCheckpoint",
    "bundled_folder",
    "config_to_hugging_face",
    "config_to_json",
    "fingerprint",
    "load",
    "load_any",
    "read_any_config",
    "read_config",
    "read_training",
    "save",
    "to_hugging_face",
]

"""The model that ``transformers`` builds from a checkpoint's files, to compare ours with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tinyinterp.checkpoint.folder import Checkpoint, stored_weights
from tinyinterp.checkpoint.names import HEADS
from tinyinterp.errors import UncheckedError

SETTINGS: dict[str, Any] = {
    "dtype": torch.float32,
    "attn_implementation": "eager",  # the only one that returns patterns
}


def open_with_transformers(checkpoint: Checkpoint) -> nn.Module:
    """What ``AutoModelForCausalLM`` makes of a checkpoint's folder, for reading, in fp32.

    It looks for weights by their names, and draws at random what it does not find. Weights whose
    names have a wrapper's prefix, or in nanoGPT's shapes, are therefore handed over to it as it
    expects them.

    Raises:
        UncheckedError: it cannot open the folder.
    """
    with _quiet():
        try:
            return _from_files(checkpoint.folder) or _from_weights(checkpoint)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UncheckedError(
                f"transformers cannot open {checkpoint.folder}, so the numbers cannot be compared: "
                f"{error}"
            ) from error


def _from_files(folder: Path) -> nn.Module | None:
    """None if names or shapes in its files are not what ``transformers`` expects."""
    from transformers import AutoModelForCausalLM

    found: Any = AutoModelForCausalLM.from_pretrained(  # a pair, which its types do not say
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **SETTINGS,
    )
    model, loading = found
    complete = not loading["missing_keys"] and not loading["mismatched_keys"]
    return model.eval() if complete else None


def _from_weights(checkpoint: Checkpoint) -> nn.Module:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(str(checkpoint.folder), local_files_only=True)
    model = AutoModelForCausalLM.from_config(config, **SETTINGS)
    weights = stored_weights(checkpoint.folder, checkpoint.decoder.config)
    base = model.base_model_prefix
    named = {name if name in HEADS else f"{base}.{name}": t for name, t in weights.items()}
    if config.tie_word_embeddings and not checkpoint.decoder.config.tied:
        config.tie_word_embeddings = False  # as it decides itself, where it reads the files
        model = AutoModelForCausalLM.from_config(config, **SETTINGS)
    missing, unexpected = model.load_state_dict(named, strict=False)
    if model.get_output_embeddings().weight is model.get_input_embeddings().weight:
        missing = [name for name in missing if name not in HEADS]
    if missing or unexpected:
        raise ValueError(f"its model has other weights, such as {(missing or unexpected)[0]}")
    return model.eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without its bar, and its report of weights that it did not find, which are looked at here."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()

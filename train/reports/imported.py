"""A checkpoint of nanoGPT as a folder that everything else here opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinyinterp import checkpoint
from tinyinterp.checkpoint.find import find
from tinyinterp.checkpoint.folder import IMPORTED
from tinyinterp.checkpoint.nanogpt import NanoGPT, read_nanogpt
from tinyinterp.errors import CheckpointError, OutputError
from tinyinterp.network.config import Activation
from tinyinterp.text.tokenizer import Tokenizer


def import_checkpoint(path: Path, out: Path, *, tokenizer: str, activation: Activation) -> NanoGPT:
    """Write ``out`` from nanoGPT's ``path``.

    Args:
        path: of ``ckpt.pt``.
        out: a folder; one that holds a checkpoint is never replaced.
        tokenizer: a folder, or a name on the hub, whose tokenizer the model was trained with.
        activation: of the neurons; the file does not say.

    Raises:
        CheckpointError: the file cannot be read as weights alone or is not nanoGPT's, or the
            tokenizer is that of another model.
        OutputError: ``out`` holds a checkpoint.
    """
    if (out / "config.json").exists():
        raise OutputError(f"{out} already holds a checkpoint; give a new folder")
    imported = read_nanogpt(path, activation)
    words = Tokenizer.open(find(tokenizer))
    n_vocab = imported.decoder.config.n_vocab
    if words.n_vocab > n_vocab:
        raise CheckpointError(
            f"{path} has {n_vocab} tokens, the tokenizer {tokenizer!r} {words.n_vocab}; give that "
            "of its training with --tokenizer (nanoGPT's characters, in meta.pkl, are not one)"
        )
    training: dict[str, Any] = {IMPORTED: "nanoGPT", "step": imported.iterations}
    if imported.dev_nats_per_token is not None:
        training["dev_nats_per_token"] = imported.dev_nats_per_token
    checkpoint.save(out, imported.decoder, words, training)
    return imported

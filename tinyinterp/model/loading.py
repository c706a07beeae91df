"""Opening a model by its name: the bundled one, a folder, or one of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tinyinterp import checkpoint as checkpoints
from tinyinterp.checkpoint import Checkpoint
from tinyinterp.checkpoint.find import find, name_of
from tinyinterp.devices import choose_device, described
from tinyinterp.io.paths import expanded
from tinyinterp.io.progress import say
from tinyinterp.model.compressor import CompressorModel
from tinyinterp.model.given import AnyModel
from tinyinterp.model.model import Model
from tinyinterp.model.open_checkpoint import BUNDLED_NAME
from tinyinterp.text.start import Start

if TYPE_CHECKING:
    import torch

ModelT = TypeVar("ModelT", Model, CompressorModel)


def load(
    ckpt: str | Path | None = None,
    *,
    tokenizer: str | Path | None = None,
    start: Start | None = None,
    device: str = "cpu",
) -> Model:
    """Open the bundled model, a checkpoint folder, or a model of the Hugging Face hub by its name.

    What was read otherwise than its files say is noted on standard error.

    Args:
        ckpt: None for the bundled model.
        tokenizer: the folder of the model's tokenizer, if that is another.
        start: what is put in front of a story: the token that begins a text (``bos``), the one that
            ends it (``eos``) or nothing (``none``). None: as the tokenizer's configuration says, or
            the token that stands between texts in training; a note says where these differ.
        device: where it computes: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; another than
            the CPU is noted on standard error. See :mod:`tinyinterp.devices`.

    Raises:
        CheckpointError: there is no such model, or it cannot be read.
        SelectionError: there is no such device.
        TokenizerError: its tokenizer cannot be read.
    """
    where = choose_device(device)
    folder, other = find(ckpt), _folder_of(tokenizer)
    checkpoint = checkpoints.load(folder, tokenizer=other, start=start)
    return _noted(Model(checkpoint, _name(ckpt, folder)), where)


def load_any(
    ckpt: str | Path | None = None,
    *,
    tokenizer: str | Path | None = None,
    start: Start | None = None,
    device: str = "cpu",
) -> AnyModel:
    """The same as :func:`load`, and a compressor where there is one."""
    where = choose_device(device)
    folder, other = find(ckpt), _folder_of(tokenizer)
    opened = checkpoints.load_any(folder, tokenizer=other, start=start)
    name = _name(ckpt, folder)
    if isinstance(opened, Checkpoint):
        return _noted(Model(opened, name), where)
    return _noted(CompressorModel(opened, name), where)


def _folder_of(tokenizer: str | Path | None) -> Path | None:
    return None if tokenizer is None else expanded(tokenizer)


def _noted(model: ModelT, device: torch.device) -> ModelT:
    """Move a model, and say what a reader should know about how it and its texts are read."""
    if device.type != "cpu":
        model.network.to(device)
        say(f"computing on {described(device)}")
    for note in (*model.checkpoint.notes, *model.tokenizer.notes):
        say(f"note: {model.name}: {note}")
    return model


def _name(ckpt: str | Path | None, folder: Path) -> str:
    return BUNDLED_NAME if ckpt is None else name_of(ckpt, folder)

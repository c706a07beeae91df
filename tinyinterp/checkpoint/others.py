"""What other programs leave in a folder or file in place of a checkpoint, and what to do with it.

Nothing is opened here: names of files say enough.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinyinterp.checkpoint.description import WEIGHTS
from tinyinterp.checkpoint.weights import WEIGHTS_INDEX
from tinyinterp.errors import CheckpointError
from tinyinterp.io.described import read_described
from tinyinterp.io.paths import shown

ADAPTER = "adapter_config.json"
NANOGPT = "ckpt.pt"
OTHER_FORMATS = {
    "*.gguf": "weights for llama.cpp",
    "tf_model.h5": "TensorFlow weights",
    "flax_model.msgpack": "Flax weights",
}
MOST_LISTED = 3


@dataclass(frozen=True)
class _Adapter:
    base_model_name_or_path: str | None = None


def require_checkpoint(folder: Path) -> None:
    """Refuse a folder that holds something else than a checkpoint, and say what.

    Folders that are merely incomplete pass: what opens them says what is missing.

    Raises:
        CheckpointError: with the checkpoint inside the folder, or how to convert what it holds.
    """
    if not folder.is_dir():
        return
    if (folder / ADAPTER).is_file():
        raise CheckpointError(_adapter(folder))
    described = (folder / "config.json").is_file()
    weighted = (folder / WEIGHTS).is_file() or (folder / WEIGHTS_INDEX).is_file()
    found = None
    if not described:
        found = _inside(folder)
    if found is None and not (described and weighted):
        found = _pickled(folder)
    if found is None and described and not weighted:
        found = _other_files(folder)
    if found is not None:
        raise CheckpointError(found)


def about_file(path: Path) -> str:
    """What a file that was given as a checkpoint is, and what to give in its place."""
    folder = path.parent
    if path.suffix == ".ckpt":
        return _lightning(path)
    if path.name == NANOGPT:
        return _nanogpt(path)
    if path.suffix in {".bin", ".pt", ".pth", ".pkl"}:
        return _pickle(path)
    if path.suffix == ".safetensors" and not (folder / "config.json").is_file():
        return f"{path} holds weights alone; a checkpoint is a folder with config.json beside them"
    if (folder / "config.json").is_file():
        return f"{path} is a file; give its folder, {folder}"
    return f"{path} is a file; expected a checkpoint folder or a hub name"


def _adapter(folder: Path) -> str:
    try:
        base = read_described(_Adapter, folder / ADAPTER, CheckpointError).base_model_name_or_path
    except CheckpointError:
        base = None
    of = f" of {shown(base)}" if base else ""
    return (
        f"{folder} holds a LoRA adapter{of} ({ADAPTER}), not a whole model; merge it with peft "
        "(merge_and_unload(), then save_pretrained) and give the folder written"
    )


def _inside(folder: Path) -> str | None:
    """The checkpoints one level below, the latest first."""
    below = [path.parent for path in folder.glob("*/config.json")]
    if not below:
        return None
    below.sort(key=_step, reverse=True)
    names = ", ".join(path.name for path in below[:MOST_LISTED])
    more = len(below) - MOST_LISTED
    names += f" and {more} more" if more > 0 else ""
    number = "one" if len(below) == 1 else f"{len(below)}"
    return (
        f"{folder} is not a checkpoint but holds {number} ({names}); give one of these folders, "
        f"such as {below[0]}"
    )


def _step(folder: Path) -> tuple[int, str]:
    number = re.search(r"(\d+)$", folder.name)
    return int(number[1]) if number else -1, folder.name


def _pickled(folder: Path) -> str | None:
    if (folder / NANOGPT).is_file():
        return _nanogpt(folder / NANOGPT)
    for pattern in ("*.ckpt", "checkpoints/*.ckpt", "lightning_logs/*/checkpoints/*.ckpt"):
        for path in sorted(folder.glob(pattern)):
            return _lightning(path)
    for pattern in ("pytorch_model*.bin", "*.pt", "*.pth"):
        for path in sorted(folder.glob(pattern)):
            return _pickle(path)
    return None


def _nanogpt(path: Path) -> str:
    return (
        f"{path} is nanoGPT's checkpoint, a pickle, which is never opened here; convert it with "
        f"'python -m train import-nanogpt {path} FOLDER' and give FOLDER"
    )


def _lightning(path: Path) -> str:
    return (
        f"{path} is a Lightning checkpoint, a pickle, which is never opened; where it was trained, "
        "load it and write the model with save_pretrained, or its state_dict with "
        "safetensors.torch.save_file as model.safetensors beside config.json, and give that folder"
    )


def _pickle(path: Path) -> str:
    return (
        f"{path} is a pickle and is never opened; convert it to safetensors with transformers, "
        f"which reads weights alone: AutoModelForCausalLM.from_pretrained({str(path.parent)!r})"
        ".save_pretrained(FOLDER), and give FOLDER"
    )


def _other_files(folder: Path) -> str | None:
    others = sorted(path.name for path in folder.glob("*.safetensors"))
    if others and re.search(r"-of-\d+\.safetensors$", others[0]):
        return f"{folder} holds parts of a model but no {WEIGHTS_INDEX}, which says what they hold"
    if others:
        return (
            f"{folder} holds {', '.join(others[:MOST_LISTED])} but no {WEIGHTS}; if that is the "
            f"model, rename it to {WEIGHTS}"
        )
    for pattern, what in OTHER_FORMATS.items():
        for path in folder.glob(pattern):
            return (
                f"{path} holds {what}, which are not read; save the model with transformers' "
                "save_pretrained, as safetensors"
            )
    return None

"""nanoGPT's weights as GPT-2's: other names in front, matrices transposed, biases left out.

nanoGPT (github.com/karpathy/nanoGPT) computes what GPT-2 does with ``nn.Linear``, whose matrix is
the transpose of GPT-2's ``Conv1D``. Trained with ``bias=False`` it has no biases, which are zeros
here. Its ``ckpt.pt`` is a pickle of tensors, numbers and names, which PyTorch's restricted reader
(``torch.load(weights_only=True)``) opens without running anything; only
``python -m train import-nanogpt`` does that.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tinyinterp.checkpoint.names import from_hugging_face
from tinyinterp.checkpoint.stored import require_finite, unwrapped, with_stored_head
from tinyinterp.checkpoint.weights import fill
from tinyinterp.errors import CheckpointError, ConfigError
from tinyinterp.network.config import Activation, DecoderConfig
from tinyinterp.network.decoder import Decoder

MATRICES = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
NAMES = {"model", "model_args", "iter_num", "config"}  # of what ckpt.pt holds
MASK = ".attn.bias"  # an old nanoGPT stores the causal mask


@dataclass(frozen=True)
class NanoGPT:
    """What a ``ckpt.pt`` holds, as far as it is of use here."""

    decoder: Decoder
    iterations: int
    dev_nats_per_token: float | None  # nanoGPT's best validation loss


def is_linear(weights: Mapping[str, Tensor], config: DecoderConfig) -> bool:
    """Whether the matrices of a GPT-2 are stored as nanoGPT's; the joint one is never square."""
    joint = weights.get("h.0.attn.c_attn.weight")
    wanted = (3 * config.d_model, config.d_model)
    return config.architecture == "gpt2" and joint is not None and tuple(joint.shape) == wanted


def from_linear(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """GPT-2's weights from nanoGPT's, both under bare names (``h.0.ln_1.weight``)."""
    turned = {
        name: tensor.T.contiguous() if name.endswith(MATRICES) else tensor
        for name, tensor in weights.items()
        if not name.endswith(MASK)
    }
    if any(name.endswith(".bias") for name in turned):
        return turned
    for name, tensor in list(turned.items()):
        stem = name.removesuffix(".weight")
        if stem not in {"wte", "wpe", "lm_head"}:
            n_out = tensor.shape[-1]  # a norm's only axis, or the second of a transposed matrix
            turned[f"{stem}.bias"] = torch.zeros(n_out, dtype=tensor.dtype)
    return turned


def read_nanogpt(path: Path, activation: Activation = "gelu") -> NanoGPT:
    """The model in a ``ckpt.pt`` of nanoGPT.

    Args:
        path: of the file.
        activation: of its neurons, which the file does not say: ``gelu``, or ``gelu_new``
            for early versions of nanoGPT.

    Raises:
        CheckpointError: it cannot be read without running code, or is not nanoGPT's.
    """
    content = _opened(path)
    lacks = sorted(NAMES - content.keys())
    if lacks:
        raise CheckpointError(
            f"{path} is not nanoGPT's ckpt.pt: it lacks {', '.join(lacks)}; save the model with "
            "save_pretrained in the program that wrote it"
        )
    weights = unwrapped(content["model"], path)
    require_finite(weights, path)
    try:
        config = _config(content["model_args"], activation)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{path}: model_args describe no GPT-2: {error!r}") from error
    weights, config, _ = with_stored_head(from_linear(weights), config)
    with torch.device("meta"):
        decoder = Decoder(config)
    fill(decoder, from_hugging_face(weights, config, path), torch.float32, path)
    best = content.get("best_val_loss")
    return NanoGPT(decoder, int(content["iter_num"]), None if best is None else float(best))


def _opened(path: Path) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # what matters is raised
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no file {path}; give nanoGPT's ckpt.pt") from error
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{path} cannot be opened as weights alone, and nothing else in it is ever run: {first}"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is not nanoGPT's ckpt.pt: it holds no dictionary")
    return content


def _config(raw: Mapping[str, Any], activation: Activation) -> DecoderConfig:
    return DecoderConfig(
        n_vocab=int(raw["vocab_size"]),
        n_ctx=int(raw["block_size"]),
        d_model=int(raw["n_embd"]),
        n_layers=int(raw["n_layer"]),
        n_heads=int(raw["n_head"]),
        architecture="gpt2",
        activation=activation,
    )

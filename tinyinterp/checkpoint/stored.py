"""What files of weights hold beside plain weights: wrappers' prefixes, two heads, no numbers.

A file is refused where a weight is quantised, NaN or infinite. Prefixes are only names: Lightning,
``torch.compile`` and data parallelism each put their own in front, and some programs leave out
``transformer.``. :func:`unwrapped` removes all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tinyinterp.checkpoint.names import HEADS
from tinyinterp.errors import CheckpointError
from tinyinterp.network.config import DecoderConfig

PLAIN = {"F16", "BF16", "F32", "F64"}  # safetensors' names of dtypes
# How the methods name what they store beside or in place of a weight.
QUANTISED = re.compile(
    r"\.(qweight|qzeros|scales|g_idx"  # GPTQ, AWQ
    r"|SCB|weight_format|weight\.(absmax|quant_map|nested_\w+|quant_state\.\w+)"  # bitsandbytes
    r"|(weight|input|output|k|v)_scale(_inv)?|weight_(packed|shape|zero_point|g_idx))$"  # fp8
)
WRAPPED = re.compile(
    r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module|module)\."
)
BASES = ("model.", "transformer.", "gpt_neox.")  # what Hugging Face calls a model without its head
EMBEDDINGS = {"gpt_neox": "embed_in.weight", "llama": "embed_tokens.weight"}  # else wte.weight
AT_ONCE = 1 << 20  # numbers of a weight that are looked at together, in 64 bits
LISTS = {"h", "layers"}  # of blocks: no prefix, even where a damaged file holds nothing else


def require_plain(dtypes: Mapping[str, str], path: Path) -> None:
    """Refuse weights that are stored as anything but plain floats.

    Args:
        dtypes: of each tensor, in safetensors' words.
        path: of the file, for the message.

    Raises:
        CheckpointError: one is quantised.
    """
    for name, dtype in sorted(dtypes.items()):
        if dtype not in PLAIN or QUANTISED.search(name):
            raise CheckpointError(
                f"{path} holds quantised weights ({name} is {dtype}), expected plain 16-bit or "
                "32-bit floats; give the model that was quantised, or dequantise it "
                "(model.dequantize() in transformers) and save it again"
            )


def require_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that are NaN, infinite, or too large for 32 bits.

    Raises:
        CheckpointError: some are; the message names the first.
    """
    largest = torch.finfo(torch.float32).max
    for name, tensor in weights.items():
        if not tensor.numel():
            continue
        low, high = torch.aminmax(tensor)  # NaN where any number is
        if -largest <= low.item() and high.item() <= largest:
            continue
        count, first = 0, 0
        flat = tensor.flatten()
        for start in range(0, len(flat), AT_ONCE):
            wrong = ~(flat[start : start + AT_ONCE].double().abs() <= largest)
            if not count and wrong.any():
                first = start + int(wrong.nonzero()[0])
            count += int(wrong.sum())
        at = [int(each) for each in np.unravel_index(first, tensor.shape)]
        raise CheckpointError(
            f"{path}: {count} of {tensor.numel()} numbers in {name} are NaN or infinite "
            f"(the first is {flat[first].item()} at {at}); the training run diverged or the "
            "file is damaged: take an earlier checkpoint"
        )


def unwrapped(weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The same weights under the model's own names: ``wte.weight``, ``lm_head.weight``.

    Whatever all names share in front goes (an attribute of Lightning's module), and so do the names
    of wrappers and of the model without its head, however often they stand there.

    Raises:
        CheckpointError: two weights get one name and are not equal.
    """
    renamed: dict[str, Tensor] = {}
    names = {name: WRAPPED.sub("", name) for name in weights}
    while len(first := {name.partition(".")[0] for name in names.values()}) == 1:
        (shared,) = first
        if shared in LISTS or any(name.count(".") < 2 for name in names.values()):
            break  # the name of a module that holds weights
        names = {given: name.removeprefix(f"{shared}.") for given, name in names.items()}
    for given, name in names.items():
        bare = _without_base(name)
        if bare in renamed and not torch.equal(renamed[bare], weights[given]):
            raise CheckpointError(
                f"{path} holds two different weights for {bare}, one of them as {given}; "
                "save the model alone, without a second copy (an average, a teacher)"
            )
        renamed[bare] = weights[given]
    return renamed


def _without_base(name: str) -> str:
    while (base := next((base for base in BASES if name.startswith(base)), None)) is not None:
        name = name.removeprefix(base)
    return name


def with_stored_head(
    weights: dict[str, Tensor], config: DecoderConfig
) -> tuple[dict[str, Tensor], DecoderConfig, list[str]]:
    """The weights and the configuration with the output head that is stored, and what to note.

    Where ``config.json`` ties the head to the embedding, three things are found in files: one of
    the two, whichever (``safetensors.torch.save_model`` keeps only ``lm_head``); both, equal; both,
    different. The last model is not tied, as ``transformers`` finds too.

    Args:
        weights: from :func:`unwrapped`.
        config: of ``config.json``.
    """
    head = next((name for name in HEADS if name in weights), None)
    if not config.tied or head is None:
        return weights, config, []
    embedding = EMBEDDINGS.get(config.architecture, "wte.weight")
    if embedding not in weights:
        return {**weights, embedding: weights[head]}, config, []
    if torch.equal(weights[embedding], weights[head]):
        return weights, config, []
    note = (
        f"config.json ties the output head to the token embedding, but the stored {head} differs "
        "from it: the stored head is used"
    )
    return weights, replace(config, tied=False), [note]

"""Checkpoints as other programs write them: models of ``transformers``, each axis a prime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
import transformers
from models import N_CTX, N_VOCAB, tiny_tokenizer
from safetensors.torch import load_file, save_file
from torch import Tensor

FILE = "model.safetensors"
FAMILIES = ("gpt2", "gpt_neo")


def random_model(
    family: str = "gpt2", *, tied: bool = True, seed: int = 5
) -> transformers.PreTrainedModel:
    """A model of ``transformers`` whose every weight is random, for reading."""
    if family == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=N_VOCAB, n_positions=N_CTX, n_embd=26, n_layer=3, n_head=2, n_inner=31
        )
    else:
        config = transformers.GPTNeoConfig(
            vocab_size=N_VOCAB,
            max_position_embeddings=N_CTX,
            hidden_size=26,
            num_layers=2,
            num_heads=2,
            intermediate_size=31,
            attention_types=[[["global", "local"], 1]],
            window_size=7,
        )
    config.tie_word_embeddings = tied
    config.bos_token_id = config.eos_token_id = 0
    torch.manual_seed(seed)
    model: transformers.PreTrainedModel = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=0.2)
    model.eval().requires_grad_(requires_grad=False)
    return model


def written(folder: Path, model: transformers.PreTrainedModel) -> Path:
    """``folder`` with the model and our tokenizer, as ``save_pretrained`` leaves them."""
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    tiny_tokenizer().save(folder)
    settings = folder / "tokenizer_config.json"
    declared = json.loads(settings.read_text()) | {"add_bos_token": True}  # so nothing is noted
    settings.write_text(json.dumps(declared))
    return folder


def change_weights(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """Write the weights of a folder again, changed."""
    weights = change(load_file(folder / FILE))
    save_file({name: t.contiguous().clone() for name, t in weights.items()}, folder / FILE)

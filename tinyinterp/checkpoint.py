"""The one checkpoint format: a folder that ``transformers`` opens, with ``training.json`` beside.

``config.json``, ``model.safetensors``, ``tokenizer.json``, ``tokenizer_config.json``. Weights are
safetensors only; nothing is ever unpickled. The tables below are the whole difference between our
parameter names and those of Hugging Face's GPT-Neo and GPT-2.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tinyinterp.decoder import ACTIVATIONS, Activation, AttentionKind, Decoder, DecoderConfig
from tinyinterp.errors import CheckpointError, ConfigError
from tinyinterp.files import replacing_files, write_text
from tinyinterp.tokenizer import Tokenizer

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
COMPRESSOR = "tinyinterp-compressor"  # model_type of a folder that holds no decoder

# Our name -> Hugging Face's, without the "transformer." prefix. "{}" is the layer.
SHARED_NAMES = {
    "embed": "wte",
    "pos_embed": "wpe",
    "blocks.{}.ln1": "h.{}.ln_1",
    "blocks.{}.ln2": "h.{}.ln_2",
    "blocks.{}.mlp.up": "h.{}.mlp.c_fc",
    "blocks.{}.mlp.down": "h.{}.mlp.c_proj",
    "ln_final": "ln_f",
}
NEO_NAMES = SHARED_NAMES | {
    "blocks.{}.attn.q": "h.{}.attn.attention.q_proj",
    "blocks.{}.attn.k": "h.{}.attn.attention.k_proj",
    "blocks.{}.attn.v": "h.{}.attn.attention.v_proj",
    "blocks.{}.attn.o": "h.{}.attn.attention.out_proj",
}
GPT2_NAMES = SHARED_NAMES | {
    "blocks.{}.attn.qkv": "h.{}.attn.c_attn",  # q, k and v side by side
    "blocks.{}.attn.o": "h.{}.attn.c_proj",
}
TRANSPOSED_IN_GPT2 = (".attn.qkv.weight", ".attn.o.weight", ".mlp.up.weight", ".mlp.down.weight")
NOT_PARAMETERS = re.compile(r"\.attn\.(attention\.)?(bias|masked_bias)$")  # old files keep the mask


@dataclass(frozen=True)
class Checkpoint:
    """A decoder with its tokenizer and where it came from."""

    decoder: Decoder
    tokenizer: Tokenizer
    folder: Path
    fingerprint: str  # SHA-256 over configuration and weights
    training: dict[str, Any]  # training.json, empty for a foreign model


def bundled_folder() -> Path:
    """Where the model that comes with the package lies."""
    return Path(__file__).parent / "assets" / "model"


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Open a checkpoint folder, whoever wrote it.

    Args:
        folder: see :func:`tinyinterp.hub.find` for names and the bundled model.
        dtype: of the parameters in memory; the files may hold 16 bits.

    Raises:
        CheckpointError: missing, truncated, of another architecture, or with unfitting weights.
        TokenizerError: its tokenizer cannot be read.
    """
    config = read_config(folder)
    state = _from_hugging_face(_read_weights(folder), config, folder)
    with torch.device("meta"):
        decoder = Decoder(config)
    expected = {name: p.shape for name, p in decoder.named_parameters()}
    _compare_shapes({name: t.shape for name, t in state.items()}, expected, folder)
    decoder.load_state_dict({n: t.to(dtype) for n, t in state.items()}, strict=False, assign=True)
    if config.tied:
        decoder.unembed.weight = decoder.embed.weight
    decoder.eval().requires_grad_(requires_grad=False)
    tokenizer = Tokenizer.open(folder)
    if tokenizer.n_vocab > config.n_vocab:
        raise CheckpointError(
            f"{folder}: the tokenizer has {tokenizer.n_vocab} tokens, the model {config.n_vocab}; "
            "they do not belong together"
        )
    return Checkpoint(decoder, tokenizer, folder, fingerprint(folder), read_training(folder))


def save(
    folder: Path,
    decoder: Decoder,
    tokenizer: Tokenizer,
    training: Mapping[str, Any],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a checkpoint folder; one that stood there is replaced, what lies beside it is kept."""
    with replacing_files(folder) as new:
        config = config_to_hugging_face(decoder.config, tokenizer.end_of_text, dtype)
        write_text(new / "config.json", json.dumps(config, indent=2) + "\n")
        weights = to_hugging_face(decoder)
        stored = {name: t.detach().to("cpu", dtype).contiguous() for name, t in weights.items()}
        save_file(stored, new / WEIGHTS, metadata={"format": "pt"})
        shutil.copymode(new / "config.json", new / WEIGHTS)  # safetensors lets only the owner read
        tokenizer.save(new)
        write_text(new / "training.json", json.dumps(dict(training), indent=2) + "\n")


def fingerprint(folder: Path) -> str:
    """SHA-256 over ``config.json`` and every weights file, in name order."""
    digest = hashlib.sha256()
    for path in [folder / "config.json", *sorted(folder.glob("*.safetensors"))]:
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def read_training(folder: Path) -> dict[str, Any]:
    """``training.json`` of the folder, or an empty dictionary."""
    path = folder / "training.json"
    return _read_json(path) if path.is_file() else {}


def read_config(folder: Path) -> DecoderConfig:
    """The decoder's shape from ``config.json``.

    Raises:
        CheckpointError: missing, unreadable, or of an architecture that is not GPT-2 or GPT-Neo.
    """
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is not a folder; expected a checkpoint folder with config.json, {WEIGHTS} "
            "and tokenizer.json, or a name on the Hugging Face hub"
        )
    raw = _read_json(folder / "config.json")
    model_type = raw.get("model_type")
    if model_type == COMPRESSOR:
        raise CheckpointError(f"{folder} holds a compressor; this command needs a decoder")
    try:
        if model_type == "gpt_neo":
            return _neo_config(raw)
        if model_type == "gpt2":
            return _gpt2_config(raw)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{folder}/config.json describes no decoder: {error!r}") from error
    raise CheckpointError(
        f"{folder}/config.json says model_type {model_type!r}; only gpt_neo and gpt2 are understood"
    )


def _neo_config(raw: dict[str, Any]) -> DecoderConfig:
    attention = [kind for kinds, times in raw["attention_types"] for kind in list(kinds) * times]
    return DecoderConfig(
        n_vocab=raw["vocab_size"],
        n_ctx=raw["max_position_embeddings"],
        d_model=raw["hidden_size"],
        n_layers=raw["num_layers"],
        n_heads=raw["num_heads"],
        d_mlp=raw.get("intermediate_size") or 0,
        architecture="gpt_neo",
        attention=tuple(cast("list[AttentionKind]", attention)),
        window=raw.get("window_size", 256),
        activation=_activation(raw),
        tied=raw.get("tie_word_embeddings", True),
        layer_norm_eps=raw.get("layer_norm_epsilon", 1e-5),
    )


def _gpt2_config(raw: dict[str, Any]) -> DecoderConfig:
    for key, usual in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        if raw.get(key, usual) != usual:
            raise ConfigError(f"{key} is {raw[key]}; only {usual} is understood")
    return DecoderConfig(
        n_vocab=raw["vocab_size"],
        n_ctx=raw.get("n_positions") or raw["n_ctx"],
        d_model=raw["n_embd"],
        n_layers=raw["n_layer"],
        n_heads=raw["n_head"],
        d_mlp=raw.get("n_inner") or 0,
        architecture="gpt2",
        activation=_activation(raw),
        tied=raw.get("tie_word_embeddings", True),
        layer_norm_eps=raw.get("layer_norm_epsilon", 1e-5),
    )


def _activation(raw: dict[str, Any]) -> Activation:
    name = raw.get("activation_function", "gelu_new")
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation_function {name!r} is not one of {sorted(ACTIVATIONS)}")
    return cast("Activation", name)


def config_to_hugging_face(
    config: DecoderConfig, end_of_text: int, dtype: torch.dtype
) -> dict[str, Any]:
    """``config.json`` as ``transformers`` writes it for this architecture."""
    shared = {
        "model_type": config.architecture,
        "vocab_size": config.n_vocab,
        "activation_function": config.activation,
        "layer_norm_epsilon": config.layer_norm_eps,
        "tie_word_embeddings": config.tied,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "initializer_range": 0.02,
        "dtype": str(dtype).removeprefix("torch."),
    }
    if config.architecture == "gpt2":
        return shared | {
            "architectures": ["GPT2LMHeadModel"],
            "n_positions": config.n_ctx,
            "n_embd": config.d_model,
            "n_layer": config.n_layers,
            "n_head": config.n_heads,
            "n_inner": config.d_mlp,
            "attn_pdrop": config.attention_dropout,
            "embd_pdrop": config.dropout,
            "resid_pdrop": config.dropout,
        }
    return shared | {
        "architectures": ["GPTNeoForCausalLM"],
        "max_position_embeddings": config.n_ctx,
        "hidden_size": config.d_model,
        "num_layers": config.n_layers,
        "num_heads": config.n_heads,
        "intermediate_size": config.d_mlp,
        "attention_types": [[[kind], 1] for kind in config.attention],
        "window_size": config.window,
        "attention_dropout": config.attention_dropout,
        "embed_dropout": config.dropout,
        "resid_dropout": config.dropout,
    }


def to_hugging_face(decoder: Decoder) -> dict[str, Tensor]:
    """Parameters under Hugging Face's names; a tied head appears once, as the embedding."""
    state: dict[str, Tensor] = dict(decoder.named_parameters())
    config = decoder.config
    if config.architecture == "gpt2":
        for layer in range(config.n_layers):
            for part in ("weight", "bias"):
                qkv = [state.pop(f"blocks.{layer}.attn.{name}.{part}") for name in "qkv"]
                state[f"blocks.{layer}.attn.qkv.{part}"] = torch.cat(qkv)
        state = {n: t.T if n.endswith(TRANSPOSED_IN_GPT2) else t for n, t in state.items()}
    translated = {}
    for ours, theirs in _name_pairs(config).items():
        for part in ("weight", "bias"):
            if f"{ours}.{part}" in state:
                translated[f"transformer.{theirs}.{part}"] = state.pop(f"{ours}.{part}")
    if not config.tied:
        translated["lm_head.weight"] = state.pop("unembed.weight")
    if state:
        raise AssertionError(f"parameters without a Hugging Face name: {sorted(state)}")
    return translated


def _from_hugging_face(
    weights: dict[str, Tensor], config: DecoderConfig, folder: Path
) -> dict[str, Tensor]:
    """Undo :func:`to_hugging_face`; names that are not ours are an error, masks are dropped."""
    state = {
        name.removeprefix("transformer."): tensor
        for name, tensor in weights.items()
        if not NOT_PARAMETERS.search(name)
    }
    head = state.pop("lm_head.weight", None)
    names = {theirs: ours for ours, theirs in _name_pairs(config).items()}
    unknown = sorted(name for name in state if name.rpartition(".")[0] not in names)
    if unknown:
        raise CheckpointError(f"{folder}: weights that no {config.architecture} has: {unknown[:3]}")
    translated = {}
    for name, tensor in state.items():
        stem, _, part = name.rpartition(".")
        translated[f"{names[stem]}.{part}"] = tensor
    if config.architecture == "gpt2":
        translated = {
            n: t.T.contiguous() if n.endswith(TRANSPOSED_IN_GPT2) else t
            for n, t in translated.items()
        }
        for layer in range(config.n_layers):
            for part in ("weight", "bias"):
                qkv = translated.pop(f"blocks.{layer}.attn.qkv.{part}", None)
                if qkv is None or len(qkv) != 3 * config.d_model:
                    raise CheckpointError(f"{folder}: layer {layer} has no whole c_attn.{part}")
                for name, tensor in zip("qkv", qkv.chunk(3), strict=True):
                    translated[f"blocks.{layer}.attn.{name}.{part}"] = tensor.contiguous()
    if not config.tied and head is not None:
        translated["unembed.weight"] = head
    return translated


def _name_pairs(config: DecoderConfig) -> dict[str, str]:
    table = GPT2_NAMES if config.architecture == "gpt2" else NEO_NAMES
    return {
        ours.format(layer): theirs.format(layer)
        for ours, theirs in table.items()
        for layer in (range(config.n_layers) if "{}" in ours else [0])
    }


def _compare_shapes(
    found: Mapping[str, torch.Size], expected: Mapping[str, torch.Size], folder: Path
) -> None:
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise CheckpointError(
            f"{folder}/{WEIGHTS} lacks {len(missing)} of {len(expected)} weights, {missing[0]} "
            "first; the file is truncated or belongs to another config.json"
        )
    extra = sorted(found.keys() - expected.keys())
    if extra:
        raise CheckpointError(f"{folder}/{WEIGHTS} holds weights the model has not: {extra[:3]}")
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(
                f"{folder}/{WEIGHTS}: {name} has shape {list(found[name])}, config.json wants "
                f"{list(shape)}"
            )


def _read_weights(folder: Path) -> dict[str, Tensor]:
    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file() and (folder / WEIGHTS_INDEX).is_file():
        weight_map = _read_json(folder / WEIGHTS_INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise CheckpointError(f"{folder / WEIGHTS_INDEX} has no weight_map that names files")
        names = sorted({str(name) for name in weight_map.values()})
    weights: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            pickled = (folder / "pytorch_model.bin").is_file()
            hint = "; pytorch_model.bin is a pickle and is never opened: convert it to safetensors"
            raise CheckpointError(f"{folder} holds no {name}{hint if pickled else ''}")
        try:
            weights |= load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(
                f"cannot read {path}: {error}; the file is truncated or not safetensors: "
                "copy or train it again"
            ) from error
    return weights


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} is no checkpoint: it holds no {path.name}") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} should hold a JSON object")
    return content

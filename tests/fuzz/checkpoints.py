"""Checkpoints: weights, their index, configuration, tokenizer, links in place of files."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from random import Random

import torch
from fuzz.mutations import PATHS, damaged_bytes, damaged_json, damaged_value
from fuzz.targets import VICTIM, Target
from models import tiny_checkpoint, tiny_compressor, tiny_tokenizer
from safetensors.torch import load_file, save_file

from tinyinterp import checkpoint
from tinyinterp.checkpoint import Checkpoint
from tinyinterp.checkpoint.facts import (
    config_facts,
    trained_without_blank_lines,
    training_facts,
)
from tinyinterp.text.tokenizer import Tokenizer

FLAG = 7.0  # every number in the victim's weights: where a model has it, the victim was read
SHAPES = ([2], [10**12], [0], [-1], [1 << 62, 4], [], [3, 3, 3], [10**7, 10**7], "x", None)


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("unpickled",)


def targets(base: Path) -> list[Target]:
    """Those of checkpoints."""
    neo, llama, index, rest, compressor = (base / name / "model" for name in "abcde")
    tiny_checkpoint(neo)
    tiny_checkpoint(llama, "llama", tied=False)
    tiny_checkpoint(rest, "gpt_neox", tied=False)
    checkpoint.save(compressor, tiny_compressor(), tiny_tokenizer(), {"step": 5})
    _split(tiny_checkpoint(index).folder)
    for folder in (neo, llama, index, rest):
        weights = load_file(neo / checkpoint.WEIGHTS)
        save_file({n: torch.full_like(t, FLAG) for n, t in weights.items()}, folder.parent / VICTIM)
    (rest / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}))
    (rest / "generation_config.json").write_text(json.dumps({"eos_token_id": [0]}))
    config = {"config.json": damaged_json}
    settings = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json")
    return [
        Target("weights", neo, read, {checkpoint.WEIGHTS: damaged_weights}, share=2),
        Target(
            "index of weights", index, read, {checkpoint.WEIGHTS + ".index.json": damaged_index}
        ),
        Target("links and other files", neo, read, place=replaced),
        Target("config.json, GPT-Neo", neo, read, config),
        Target("config.json, Llama", llama, read, config),
        Target("config.json, GPT-NeoX", rest, read, config),
        Target("config.json, compressor", compressor, read, config),
        Target("training.json", neo, read, {"training.json": damaged_json}, share=0.5),
        Target("tokenizer.json", neo, read_tokenizer, {"tokenizer.json": damaged_tokenizer}),
        Target("tokenizer settings", rest, read_tokenizer, dict.fromkeys(settings, damaged_json)),
    ]


def read(folder: Path) -> None:
    """Open a checkpoint, and predict a token."""
    opened = checkpoint.load_any(folder)
    config_facts(
        opened.decoder.config if isinstance(opened, Checkpoint) else opened.compressor.config
    )
    training_facts(opened.training)
    trained_without_blank_lines(opened.training)
    if isinstance(opened, Checkpoint):
        assert float(opened.decoder.embed.weight.flatten()[0]) != FLAG, "the victim was read"
        ids = opened.tokenizer.encode("One day").ids[: opened.decoder.config.n_ctx]
        opened.decoder(torch.tensor([ids or [0]]))


def read_tokenizer(folder: Path) -> None:
    """Open a tokenizer, and read a text with it."""
    opened = Tokenizer.open(folder)
    ids = opened.encode_prompt("Once upon a time 🐶")
    opened.decode(ids)
    for token in ids:
        opened.token_text(token)


def damaged_weights(random: Random, content: bytes) -> bytes:
    """A safetensors file with damaged bytes, header or numbers; or a pickle in its place."""
    kind = random.random()
    if kind < 0.35:
        return damaged_bytes(random, content)
    if kind < 0.4:
        return pickle.dumps(Code())
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    names = [name for name in header if name != "__metadata__"]
    name = random.choice(names)
    if kind < 0.6:
        at = random.randrange(len(data) // 4) * 4
        data[at : at + 4] = random.choice([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\xff" * 4])
    elif kind < 0.7:
        header[name]["shape"] = random.choice(SHAPES)
    elif kind < 0.8:
        header[name]["data_offsets"] = random.choice(
            [header[random.choice(names)]["data_offsets"], [0, 1 << 62], [8, 4], [-1, 4], [0, 0]]
        )
    elif kind < 0.9:
        header[name]["dtype"] = random.choice(["F64", "I8", "BOOL", "F8_E4M3", "U64", "X", 3])
    else:
        header = damaged_value(random, header)
    encoded = json.dumps(header).encode("utf-8", "replace")
    declared = len(encoded) if random.random() < 0.9 else random.choice([0, 1 << 62, (1 << 64) - 1])
    return declared.to_bytes(8, "little") + encoded + bytes(data)


def damaged_index(random: Random, content: bytes) -> bytes:
    """An index that names something else."""
    index = json.loads(content)
    if random.random() < 0.5:
        names = list(index["weight_map"])
        outside = [f"../{VICTIM}", f"x/../../{VICTIM}", *PATHS, 3, None, ["a"], "config.json"]
        index["weight_map"][random.choice(names)] = random.choice(outside)
        return json.dumps(index).encode()
    return damaged_json(random, content)


def damaged_tokenizer(random: Random, content: bytes) -> bytes:
    """``tokenizer.json`` with a damaged vocabulary, or with other damaged parts."""
    if random.random() < 0.3:
        return damaged_bytes(random, content)
    whole = json.loads(content)
    parts = {key: value for key, value in whole.items() if key != "model"}
    if random.random() < 0.7:
        damaged = damaged_value(random, parts)
        return json.dumps(
            {**damaged, "model": whole["model"]} if isinstance(damaged, dict) else 3
        ).encode()
    return json.dumps(whole | {"model": damaged_value(random, whole["model"])}).encode()


def replaced(random: Random, folder: Path) -> None:
    """A file in the folder becomes a link, a folder, a pipe or a device."""
    path = random.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    path.unlink()
    kind = random.randrange(8)
    goals = [folder.parent / VICTIM, path, folder, folder / "nowhere", Path("/dev/zero"), Path("/")]
    if kind < len(goals):
        path.symlink_to(goals[kind])
    elif kind == 6:
        path.mkdir()
    else:
        os.mkfifo(path)


def _split(folder: Path) -> None:
    """Write the weights as two files with an index."""
    weights = load_file(folder / checkpoint.WEIGHTS)
    (folder / checkpoint.WEIGHTS).unlink()
    names = sorted(weights)
    where = {}
    for number, part in enumerate((names[: len(names) // 2], names[len(names) // 2 :]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, folder / file)
        where |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": where}
    (folder / f"{checkpoint.WEIGHTS}.index.json").write_text(json.dumps(index))

"""Checkpoints that a stranger damaged on purpose: nothing outside the folder is opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from models import tiny_checkpoint
from safetensors.torch import load_file, save_file

from tinyinterp import checkpoint
from tinyinterp.checkpoint import WEIGHTS
from tinyinterp.errors import CheckpointError, TinyinterpError, TokenizerError

INDEX = f"{WEIGHTS}.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_checkpoint(tmp_path / "model").folder


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    "name", ["../victim", "{outside}", "..\\victim", "C:victim", "a\0b", "x" * 5000]
)
def test_an_index_that_names_a_file_outside_is_refused(folder: Path, name: str):
    victim = folder.parent / "victim"
    shutil.copy(folder / WEIGHTS, victim)
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    named = dict.fromkeys(weights, name.format(outside=victim))
    (folder / INDEX).write_text(json.dumps({"weight_map": named}))
    with pytest.raises(CheckpointError, match="which lies outside the folder; it is not opened"):
        checkpoint.load(folder)


def test_a_link_that_leads_out_is_refused_and_one_within_is_followed(folder: Path):
    (folder / WEIGHTS).rename(folder.parent / "victim")
    (folder / WEIGHTS).symlink_to(folder.parent / "victim")
    with pytest.raises(CheckpointError, match="is a link that leads out of the folder"):
        checkpoint.load(folder)
    (folder.parent / "victim").rename(folder / "same")
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to("same")
    checkpoint.load(folder)


def test_the_links_of_the_hubs_cache_are_followed(folder: Path, tmp_path: Path):
    snapshot = tmp_path / "models--a--b" / "snapshots" / "c0ffee"
    shutil.copytree(folder, snapshot)
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (snapshot / WEIGHTS).rename(blobs / "1")
    (snapshot / WEIGHTS).symlink_to("../../blobs/1")
    checkpoint.load(snapshot)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocab_size": "many"}, "vocab_size is 'many'; expected a whole number"),
        ({"vocab_size": 1 << 70}, "vocab_size is 1180591620717411303424"),
        ({"num_layers": [3]}, r"num_layers is \[3\]; expected a whole number"),
        (
            {"num_layers": 1000, "attention_types": None},
            "describes 1000 layers, .* holds .* weights",
        ),
        ({"num_layers": 10**6}, "n_layers is 1000000; it may be at most 1024"),
        ({"max_position_embeddings": 1 << 40}, "it may be at most 1048576"),
        ({"layer_norm_epsilon": float("nan")}, "layer_norm_epsilon is nan; expected 0 to 1"),
        ({"attention_types": 3}, "attention_types is 3; expected a list"),
        ({"attention_types": [[["global"], 10**12]]}, "attention_types.* expected 0 to 4,096"),
        ({"attention_layers": [3]}, r"attention_layers\[0\] is 3; expected a string"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'; expected true or false"),
        ({"activation_function": {}}, "activation_function is {}; expected a string"),
        ({"model_type": []}, r"says model_type \[\]"),
    ],
)
def test_a_field_that_cannot_be_is_named(folder: Path, fields: dict[str, Any], message: str):
    change(folder / "config.json", **fields)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(folder)


def test_numbers_that_are_none_are_found_wherever_they_stand(folder: Path):
    weights = load_file(folder / WEIGHTS)
    weights["transformer.wte.weight"][-1, -1] = float("inf")
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(
        CheckpointError, match=r"1 of 7306 numbers in transformer.wte.weight are NaN"
    ):
        checkpoint.load(folder)
    weights["transformer.wte.weight"] = torch.full((281, 26), float("nan"))
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(CheckpointError, match=r"7306 of 7306 .*first is nan at \[0, 0\]"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("file", "fields", "message"),
    [
        ("tokenizer_config.json", {"eos_token": 3}, "eos_token is 3"),
        ("tokenizer_config.json", {"tinyinterp_unknown_from": -1}, "unknown_from is -1"),
        ("tokenizer_config.json", {"vocab_file": "../victim"}, "lies outside the folder"),
        ("special_tokens_map.json", {"eos_token": [1]}, r"eos_token is \[1\]"),
        ("generation_config.json", {"eos_token_id": "x"}, "eos_token_id is 'x'"),
    ],
)
def test_settings_of_the_tokenizer_are_checked(
    folder: Path, file: str, fields: dict[str, Any], message: str
):
    path = folder / file
    path.write_text(path.read_text() if path.is_file() else "{}")
    change(path, **fields)
    if file == "generation_config.json":
        change(folder / "tokenizer_config.json", eos_token=None, bos_token=None)
    with pytest.raises(TokenizerError, match=message):
        checkpoint.load(folder)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "training.json"])
def test_json_that_is_nested_too_deep_is_refused(folder: Path, file: str):
    (folder / file).write_text('{"a":' * 600 + "1" + "}" * 600)
    with pytest.raises(TinyinterpError, match="nested more than 100 deep"):
        checkpoint.load(folder)

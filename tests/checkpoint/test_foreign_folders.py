"""Folders and files that are no checkpoint: named as what they are, with what to give instead."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from models import tiny_checkpoint

from tests.checkpoint.foreign import random_model, written
from tinyinterp import checkpoint, load
from tinyinterp.checkpoint.find import find
from tinyinterp.errors import CheckpointError


def refused(given: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(find(given))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("with_model", [False, True])
def test_a_lora_folder_names_its_base_model(tmp_path, with_model):
    if with_model:
        tiny_checkpoint(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "gpt2"}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    said = refused(tmp_path)
    assert "LoRA adapter of gpt2 (adapter_config.json)" in said
    assert "merge_and_unload" in said


def test_a_trainer_s_folder_names_the_latest_checkpoint_below(tmp_path):
    tiny_checkpoint(tmp_path / "checkpoint-500")
    for step in ("checkpoint-1000", "checkpoint-90", "checkpoint-80"):
        shutil.copytree(tmp_path / "checkpoint-500", tmp_path / step)
    (tmp_path / "runs").mkdir()
    said = refused(tmp_path)
    assert "holds 4 (checkpoint-1000, checkpoint-500, checkpoint-90 and 1 more)" in said
    assert said.endswith(f"such as {tmp_path / 'checkpoint-1000'}")
    assert load(tmp_path / "checkpoint-1000").name == "checkpoint-1000"


def test_a_checkpoint_with_snapshots_below_is_itself(tmp_path):
    tiny_checkpoint(tmp_path)
    shutil.copytree(tmp_path, tmp_path / "checkpoint-7")
    assert load(tmp_path).folder == tmp_path


@pytest.mark.parametrize(
    "name", ["last.ckpt", "checkpoints/epoch=1.ckpt", "lightning_logs/version_0/checkpoints/a.ckpt"]
)
def test_a_lightning_run_is_named(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x80\x04.")
    for given in (tmp_path, path):
        said = refused(given)
        assert said.startswith(f"{path} is a Lightning checkpoint, a pickle")
        assert "save_pretrained" in said


@pytest.mark.parametrize("with_config", [False, True])
def test_nanogpt_s_file_says_which_command_converts_it(tmp_path, with_config):
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"\x80\x04.")
    if with_config:
        (tmp_path / "config.json").write_text("{}")
    for given in (tmp_path, path):
        assert f"python -m train import-nanogpt {path} FOLDER" in refused(given)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "m.pth"])
def test_a_pickle_says_how_to_convert_it(tmp_path, name):
    tiny_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_bytes(b"\x80\x04.")
    for given in (tmp_path, tmp_path / name):
        said = refused(given)
        assert f"{name} is a pickle and is never opened" in said
        assert ".save_pretrained(FOLDER)" in said


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.fp16.safetensors", "if that is the model, rename it to model.safetensors"),
        ("model-00001-of-00002.safetensors", "no model.safetensors.index.json"),
        ("model.gguf", "weights for llama.cpp"),
        ("tf_model.h5", "TensorFlow weights"),
        ("flax_model.msgpack", "Flax weights"),
    ],
)
def test_other_weights_are_named(tmp_path, name, message):
    tiny_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / name)
    assert message in refused(tmp_path)


def test_a_file_of_a_checkpoint_names_its_folder(tmp_path):
    tiny_checkpoint(tmp_path)
    for name in ("config.json", "model.safetensors"):
        assert refused(tmp_path / name).endswith(f"give its folder, {tmp_path}")
    (tmp_path / "config.json").unlink()
    assert "holds weights alone" in refused(tmp_path / "model.safetensors")


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    """A model in the hub's cache, with an older snapshot beside the current one."""
    folder = tmp_path / "models--somebody--tiny"
    written(folder / "snapshots" / "0123abcd", random_model())
    (folder / "snapshots" / "00000000").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0123abcd")
    return folder


def test_a_folder_of_the_hub_s_cache_is_its_main_branch(cached):
    model = load(cached)
    assert model.folder == cached / "snapshots" / "0123abcd"
    assert model.name == "somebody/tiny"
    assert load(cached / "snapshots" / "0123abcd").name == "somebody/tiny"


def test_a_conversion_in_the_cache_is_taken_where_main_has_a_pickle(cached):
    (cached / "refs" / "main").write_text("00000000")
    request = cached / "refs" / "refs" / "pr" / "4"
    request.parent.mkdir(parents=True)
    request.write_text("0123abcd")
    assert find(cached) == cached / "snapshots" / "0123abcd"


def test_a_cache_without_a_main_branch(cached):
    (cached / "refs" / "main").unlink()
    assert "2 snapshots and no refs/main" in refused(cached)
    (cached / "snapshots" / "00000000").rmdir()
    assert find(cached) == cached / "snapshots" / "0123abcd"
    shutil.rmtree(cached / "snapshots" / "0123abcd")
    assert "holds no complete snapshot" in refused(cached)


def test_a_model_s_folder_that_only_looks_like_a_cache_is_itself(tmp_path):
    folder = tmp_path / "models--mine"
    folder.mkdir()
    tiny_checkpoint(folder)
    assert load(folder).name == "models--mine"
    assert json.loads((folder / "config.json").read_text())["model_type"] == "gpt_neo"

from __future__ import annotations

import json

import pytest
import torch
from models import STORIES, random_tokens, tiny_tokenizer

import tinyinterp
from tests.checkpoint.test_nanogpt import ARGS, ckpt, nanogpt, state_of
from tinyinterp.cli import main as tinyinterp_main
from tinyinterp.text.tokenizer import Tokenizer


def test_a_checkpoint_of_nanogpt_becomes_one_of_ours(invoke, tmp_path, capsys):
    state = state_of(bias=False)
    path, out = ckpt(tmp_path / "ckpt.pt", state), tmp_path / "out"
    tiny_tokenizer().save(tmp_path / "words")
    result = invoke("import-nanogpt", path, out, "--tokenizer", tmp_path / "words")
    assert result.code == 0
    assert result.out == f"{out}\n"
    assert "step 2,000" in result.err
    model, tokens = tinyinterp.load(out), random_tokens()
    torch.testing.assert_close(model.decoder(tokens), nanogpt(state, tokens), rtol=0, atol=1e-4)
    assert model.checkpoint.training["imported_from"] == "nanoGPT"
    text = tmp_path / "stories.txt"
    text.write_text("\n<|endoftext|>\n".join(STORIES * 7), "utf-8")
    words = ["heads", "--ckpt", out, "--text", text, "--quick", "--no-pictures", "--json"]
    with pytest.raises(SystemExit) as ended:
        tinyinterp_main([*map(str, words), "--out", str(tmp_path / "heads")])
    assert ended.value.code == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 6
    assert invoke("import-nanogpt", path, out).err.endswith("give a new folder\n")


def test_the_older_gelu_is_asked_for(invoke, tmp_path):
    state, tokens = state_of(bias=True), random_tokens()
    tiny_tokenizer().save(tmp_path / "words")
    words = ("import-nanogpt", ckpt(tmp_path / "ckpt.pt", state), tmp_path / "out")
    invoke(*words, "--tokenizer", tmp_path / "words", "--activation", "gelu_new")
    expected = nanogpt(state, tokens, exact=False)
    found = tinyinterp.load(tmp_path / "out").decoder(tokens)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_a_tokenizer_of_another_model_is_refused(invoke, tmp_path):
    state = state_of(bias=True)
    Tokenizer.train(STORIES, 295).save(tmp_path / "words")
    path = ckpt(tmp_path / "ckpt.pt", state)
    result = invoke("import-nanogpt", path, tmp_path / "out", "--tokenizer", tmp_path / "words")
    assert result.code == 1
    assert f"has {ARGS['vocab_size']} tokens, the tokenizer" in result.err
    assert not (tmp_path / "out").exists()

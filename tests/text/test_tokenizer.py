from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import N_VOCAB, STORIES, tiny_tokenizer
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from tinyinterp.errors import TokenizerError
from tinyinterp.text.opening import CLAMP_KEY, END_OF_TEXT
from tinyinterp.text.pieces import byte_characters
from tinyinterp.text.tokenizer import Tokenizer


@given(st.text())
def test_decoding_gives_back_any_text(text):
    tokenizer = tiny_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


@given(st.text())
def test_offsets_name_the_characters_of_each_token(text):
    tokenizer = tiny_tokenizer()
    encoding = tokenizer.encode(text)
    assert len(encoding.offsets) == len(encoding.ids)
    end_before = 0
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        assert start <= end_before <= end  # bytes of one character share its span
        end_before = end
        alone = tokenizer.decode([token])
        if "\ufffd" not in alone:
            assert text[start:end] == alone
    assert end_before == len(text)


def test_bytes_of_one_character_share_its_span():
    encoding = tiny_tokenizer().encode("a🐢")
    assert encoding.offsets == [(0, 1), (1, 2), (1, 2), (1, 2), (1, 2)]


def test_training_gives_exactly_the_size_that_was_asked_for():
    for size in (257, N_VOCAB):
        tokenizer = Tokenizer.train(STORIES, size)
        assert tokenizer.n_vocab == tokenizer.backend.get_vocab_size() == size
        assert tokenizer.backend.token_to_id(END_OF_TEXT) == tokenizer.end_of_text == 0
        assert set(byte_characters().values()) <= set(tokenizer.backend.get_vocab())


def test_training_is_the_same_each_time():
    first, second = (Tokenizer.train(STORIES, N_VOCAB).backend.to_str() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("size", "message"), [(256, "at least 257"), (5003, "5003 were asked for")]
)
def test_a_size_that_cannot_be_reached_is_refused(size, message):
    with pytest.raises(TokenizerError, match=message):
        Tokenizer.train(STORIES, size)


def test_byte_characters_are_those_of_gpt2():
    table = byte_characters()
    assert sorted(table) == list(range(256))
    assert set(table.values()) == set(pre_tokenizers.ByteLevel.alphabet())
    assert (table[ord("A")], table[ord(" ")], table[ord("\n")]) == ("A", "Ġ", "Ċ")


def test_every_token_has_a_readable_name():
    tokenizer = tiny_tokenizer()
    names = [tokenizer.token_text(token) for token in range(N_VOCAB)]
    first = tokenizer.encode("🐢").ids[0]
    assert names[first] == "<0xF0>"
    assert names[tokenizer.end_of_text] == END_OF_TEXT
    assert names[tokenizer.encode("\n").ids[0]] == "\n"
    assert not any("\ufffd" in name for name in names)
    assert len(set(names)) == N_VOCAB


def test_a_batch_is_its_texts_one_by_one():
    tokenizer = tiny_tokenizer()
    assert tokenizer.encode_batch(STORIES) == [tokenizer.encode(story) for story in STORIES]
    assert tokenizer.encode_batch([]) == []


def test_a_saved_tokenizer_opens_again_here_and_in_transformers(tmp_path):
    from transformers import AutoTokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.save(tmp_path)
    opened = Tokenizer.open(tmp_path)
    other = AutoTokenizer.from_pretrained(tmp_path)
    assert (opened.n_vocab, opened.end_of_text) == (N_VOCAB, tokenizer.end_of_text)
    assert other.eos_token_id == tokenizer.end_of_text
    for text in (*STORIES, "🐢 ñ\n\n  x"):
        ours = tokenizer.encode(text)
        assert opened.encode(text) == ours
        theirs = other(text, return_offsets_mapping=True, add_special_tokens=False)
        assert theirs["input_ids"] == ours.ids
        assert theirs["offset_mapping"] == ours.offsets


def test_vocab_and_merges_open_as_one_tokenizer(tmp_path):
    model = json.loads(tiny_tokenizer().backend.to_str())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]), "utf-8")
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + merges, "utf-8")
    opened = Tokenizer.open(tmp_path)
    text = f"{STORIES[1]}{END_OF_TEXT}{STORIES[0]}"
    assert opened.encode(text) == tiny_tokenizer().encode(text)
    assert opened.end_of_text == tiny_tokenizer().end_of_text


def test_padding_and_truncation_of_a_foreign_tokenizer_are_put_away(tmp_path):
    tiny_tokenizer().save(tmp_path)
    backend = Backend.from_file(str(tmp_path / "tokenizer.json"))
    backend.enable_truncation(3)
    backend.enable_padding(length=1009)
    backend.save(str(tmp_path / "tokenizer.json"))
    assert Tokenizer.open(tmp_path).encode(STORIES[0]) == tiny_tokenizer().encode(STORIES[0])


def test_tokenizers_read_alike_if_they_make_the_same_tokens():
    backend = tiny_tokenizer().backend
    assert tiny_tokenizer().reads_like(Tokenizer(Backend.from_str(backend.to_str())))
    for other in (
        Tokenizer(backend, unknown_from=101),
        Tokenizer(backend, start="none"),
        Tokenizer.train(STORIES, N_VOCAB - 1),
    ):
        assert not tiny_tokenizer().reads_like(other)
        assert not other.reads_like(tiny_tokenizer())


def test_clamped_ids_are_one_unknown_also_after_saving(tmp_path):
    clamped = Tokenizer(tiny_tokenizer().backend, unknown_from=101)
    whole = tiny_tokenizer().encode(STORIES[0])
    assert max(whole.ids) > 101 > min(whole.ids)
    clamped.save(tmp_path)
    assert json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))[CLAMP_KEY] == 101
    for tokenizer in (clamped, Tokenizer.open(tmp_path)):
        assert tokenizer.n_vocab == 102
        encoding = tokenizer.encode(STORIES[0])
        assert encoding.ids == [min(token, 101) for token in whole.ids]
        assert encoding.offsets == whole.offsets


def test_an_end_of_text_token_of_another_name_is_found(tmp_path):
    backend = Backend.from_str(tiny_tokenizer().backend.to_str())
    backend.add_special_tokens(["<end>"])
    Tokenizer(backend, "<end>").save(tmp_path)
    assert Tokenizer.open(tmp_path).end_of_text == N_VOCAB
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))
    settings["eos_token"] = {"content": "<end>", "lstrip": False}  # as older files have it
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    assert Tokenizer.open(tmp_path).end_of_text == N_VOCAB


def test_what_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(TokenizerError, match=r"holds no tokenizer.*vocab\.json"):
        Tokenizer.open(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": ', "utf-8")
    with pytest.raises(TokenizerError, match="cannot read the tokenizer"):
        Tokenizer.open(tmp_path)
    tiny_tokenizer().save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("[]", "utf-8")
    with pytest.raises(TokenizerError, match="should hold a JSON object"):
        Tokenizer.open(tmp_path)
    with pytest.raises(TokenizerError, match="stories could not be separated"):
        Tokenizer(Backend(models.BPE()))

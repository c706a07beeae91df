"""Tokenizers that other programs wrote: ids as AutoTokenizer's, texts as a reader expects them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from foreign_tokenizers import FAST, KINDS, LLAMA, stored, write_tokenizer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from tinyinterp.errors import TokenizerError
from tinyinterp.text.stream import TextStream
from tinyinterp.text.tokenizer import Tokenizer

TYPED = "He typed <|endoftext|> twice, </s> and [SEP] once."
LETTERS = st.text(st.sampled_from("aehdogTz .,!?\"'\n1é🐢中ﬁ\x07\u00ad"))


@cache
def opened(kind: str):
    """Ours and AutoTokenizer's of a kind, from the same folder."""
    from transformers import AutoTokenizer

    folder = write_tokenizer(Path(mkdtemp()), kind, config={"model_type": "gpt2"})
    return Tokenizer.open(folder), AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None)
@given(text=st.one_of(LETTERS, st.text()))
@example(text=TYPED)
@example(text=" two  spaces \n\n and lines\n")
def test_ids_are_those_of_auto_tokenizer(kind, text):
    ours, auto = opened(kind)
    ids = ours.encode(text).ids
    if kind == "unigram" and auto.eos_token in text:  # for it the name is a piece like any other
        return
    assert ids == auto(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    if "<" not in text and "[" not in text:
        whole = auto(text)["input_ids"]
        assert whole[: len(ids) + 1] == ([*ours.front, *ids] if ours.start == "bos" else ids)


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_token_that_is_typed_is_text(kind):
    ours, auto = opened(kind)
    ids = ours.encode(TYPED).ids
    assert not {ours.begin, ours.end}.intersection(ids)
    if kind in ("byte-level", "llama", "metaspace"):
        assert ours.decode_whole(ids) == TYPED
    assert {auto.eos_token_id, auto.sep_token_id}.intersection(auto(TYPED)["input_ids"])


@given(LETTERS)
@example("a 🐢 and ñ\n\n  x")
def test_a_text_comes_back_from_metaspace_and_bytes(text):
    ours, _ = opened("metaspace")
    assert ours.decode_whole(ours.encode(text).ids) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_inside_a_text_has_a_space_in_front(kind):
    ours, _ = opened(kind)
    ids = ours.encode("tim saw the dog. he walked").ids
    texts = [ours.token_text(token) for token in ids]
    assert "".join(texts).strip() == "tim saw the dog. he walked"
    ends, at = [], 0
    for text in texts:
        at += len(text)
        ends.append(at)
    said = " tim saw the dog. he walked" if ours.pieces.leads_with_space else "tim saw"
    assert ours.decode(ids).startswith(said)
    assert ours.decode_whole(ids) == "tim saw the dog. he walked"
    assert ends[-1] == len(ours.decode(ids))


@pytest.mark.parametrize(("kind", "inside", "bare"), [
    ("byte-level", "Ġ", "t"), ("metaspace", "▁t", "t"), ("wordpiece", "t", "##t"),
])  # fmt: skip
def test_a_word_and_its_continuation_look_different(kind, inside, bare):
    ours, _ = opened(kind)
    spaced, plain = (ours.backend.token_to_id(name) for name in (inside, bare))
    assert ours.token_text(spaced).startswith(" ")
    assert ours.token_text(plain) == "t"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_shows_what_decoding_all_at_once_gives(kind):
    ours, _ = opened(kind)
    ids = ours.encode('Tim saw a 🐢. "Don\'t go!" she said.').ids
    stream = TextStream(ours)
    assert "".join([*map(stream.feed, ids), stream.close()]) == ours.decode(ids)


def test_byte_tokens_of_sentencepiece_have_readable_names():
    ours, _ = opened("llama")
    turtle, line = ours.encode("🐢").ids, ours.backend.token_to_id("<0x0A>")
    assert [ours.token_text(token) for token in turtle[-4:]] == [
        "<0xF0>", "<0x9F>", "<0x90>", "<0xA2>",
    ]  # fmt: skip
    assert ours.token_text(line) == "\n"
    assert ours.token_text(ours.backend.token_to_id("<0x61>")) == "<0x61>"  # "a" is another token


def test_what_has_no_token_is_counted():
    text = "Tim saw 中中 and z 🐢."
    for kind, lost in (("byte-level", 0), ("llama", 0), ("unigram", 4), ("wordpiece", 4)):
        ours, _ = opened(kind)  # no text that these were trained on has a z
        assert ours.unknown_characters(text, ours.encode(text)) == lost, kind


def test_characters_that_are_dropped_are_counted():
    backend = Backend(models.BPE({"<|endoftext|>": 0, "a": 1, "Ġ": 2}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = Tokenizer(backend)
    encoding = tokenizer.encode("a bé a")
    assert tokenizer.decode(encoding.ids) == "a  a"
    assert tokenizer.unknown_characters("a bé a", encoding) == 2


@pytest.mark.parametrize(
    ("kind", "start", "name"),
    [
        ("byte-level", "eos", "<|endoftext|>"),
        ("llama", "bos", "<s>"),
        ("metaspace", "bos", "<s>"),
        ("unigram", "none", None),
        ("wordpiece", "bos", "[CLS]"),
    ],
)
def test_a_story_starts_as_the_configuration_says(kind, start, name):
    ours, _ = opened(kind)
    assert (ours.start, ours.start_name) == (start, name)
    assert ours.front == ([] if name is None else [ours.backend.token_to_id(name)])


def test_the_start_can_be_chosen(tmp_path):
    folder = write_tokenizer(tmp_path, "unigram")
    for start, front in (("none", []), ("bos", [1]), ("eos", [2])):
        ours = Tokenizer.open(folder, start=start)
        assert ours.front == front
        assert ours.notes == ()


@pytest.mark.usefixtures("unchecked")
def test_another_start_is_refused(tmp_path):
    folder = write_tokenizer(tmp_path, "unigram")
    with pytest.raises(TokenizerError, match="start is 'first'"):
        Tokenizer.open(folder, start="first")


def test_a_start_that_the_tokenizer_has_no_token_for_is_refused():
    backend = Backend.from_str(stored("wordpiece"))
    with pytest.raises(TokenizerError, match=r"no eos token.*--start none"):
        Tokenizer(backend, None)


def test_where_the_default_differs_from_the_configuration_is_noted(tmp_path):
    ours = Tokenizer.open(write_tokenizer(tmp_path / "a", "byte-level"))
    assert len(ours.notes) == 1
    assert "--start none" in ours.notes[0]
    declared = {"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True}
    ours = Tokenizer.open(write_tokenizer(tmp_path / "b", "byte-level", declared))
    assert (ours.start, ours.notes) == ("bos", ())
    ours = Tokenizer.open(write_tokenizer(tmp_path / "c", "wordpiece"))
    assert "adds [SEP] at the end of a text" in ours.notes[0]
    assert ours.end_of_text == 3


def test_truncation_and_an_added_space_are_those_of_the_configuration(tmp_path):
    from transformers import AutoTokenizer

    settings = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "model_max_length": 5}
    folder = write_tokenizer(tmp_path, "byte-level", settings)
    backend = Backend.from_file(str(folder / "tokenizer.json"))
    backend.enable_truncation(3)
    backend.save(str(folder / "tokenizer.json"))
    ids = Tokenizer.open(folder).encode("Tim saw the dogs and ran.").ids
    auto = AutoTokenizer.from_pretrained(folder, model_max_length=1009)
    assert ids == auto("Tim saw the dogs and ran.")["input_ids"]
    assert len(ids) > 5


def test_end_of_text_in_other_files(tmp_path):
    folder = write_tokenizer(tmp_path / "map", "metaspace", FAST)
    (folder / "special_tokens_map.json").write_text('{"eos_token": "</s>"}', "utf-8")
    assert Tokenizer.open(folder).end_of_text == 2
    for name in ("config", "generation_config"):
        number = {name: {"model_type": "gpt2", "eos_token_id": [1]}}
        folder = write_tokenizer(tmp_path / name, "metaspace", FAST, **number)
        assert Tokenizer.open(folder).eos == "<s>"
    number = {"config": {"model_type": "gpt2", "eos_token_id": 300, "bos_token_id": 50256}}
    folder = write_tokenizer(tmp_path / "word", "metaspace", FAST, **number)
    assert Tokenizer.open(folder).eos == "</s>"  # 300 is a word, a default that nobody set


def test_added_tokens_are_those_of_auto_tokenizer(tmp_path):
    from transformers import AutoTokenizer

    settings = {"tokenizer_class": "GPT2Tokenizer", "pad_token": "[PAD]"}
    folder = write_tokenizer(tmp_path, "byte-level", settings, added_tokens={"<sigh>": 307})
    ours, auto = Tokenizer.open(folder), AutoTokenizer.from_pretrained(folder)
    text = "Tim <sigh> saw [PAD]."
    assert ours.encode(text).ids == auto(text, split_special_tokens=True)["input_ids"]
    assert ours.n_vocab == len(auto)
    assert ours.without_row(307) == ["<sigh>"]
    folder = write_tokenizer(tmp_path / "pad", "byte-level", settings)
    assert Tokenizer.open(folder).without_row(307) == []


def test_a_vocabulary_without_tokenizer_json_opens_as_auto_tokenizer_opens_it(tmp_path):
    from transformers import AutoTokenizer

    Backend.from_str(stored("byte-level")).model.save(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}', "utf-8")
    ours, auto = Tokenizer.open(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    text = "Tim saw 🐢 and the dogs."
    assert ours.encode(text).ids == auto(text)["input_ids"]
    assert ours.end_of_text == auto.eos_token_id == 0


def test_a_file_that_transformers_would_build_anew_from_the_wrong_kind_is_read_as_it_is(tmp_path):
    config = {"model_type": "gpt2"}
    folder = write_tokenizer(tmp_path, "metaspace", {}, config=config)
    ours = Tokenizer.open(folder)
    assert ours.encode(TYPED) == opened("metaspace")[0].encode(TYPED)
    assert "read as it is" in ours.notes[0]
    theirs = ours.to_transformers()
    assert theirs("the dog")["input_ids"] == [*ours.front, *ours.encode("the dog").ids]


def test_a_tokenizer_of_no_known_kind_is_refused_with_the_cause(tmp_path):
    backend = Backend(models.WordLevel({"a": 0, "</s>": 1}, "a"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(FAST), "utf-8")
    with pytest.raises(TokenizerError, match=r"WordLevel, split by Whitespace.*neither byte-level"):
        Tokenizer.open(tmp_path)


def test_tokenizer_model_alone_says_what_to_install_or_convert(tmp_path):
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(LLAMA), "utf-8")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', "utf-8")
    (tmp_path / "tokenizer.model").write_bytes(b"no protobuf")
    with pytest.raises(TokenizerError, match=r"tokenizer\.model alone.*save_pretrained"):
        Tokenizer.open(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_that_is_saved_reads_the_same(kind, tmp_path):
    ours, _ = opened(kind)
    ours.save(tmp_path)
    again = Tokenizer.open(tmp_path, start=ours.start)
    assert again.encode(TYPED) == ours.encode(TYPED)
    assert (again.front, again.end, again.n_vocab) == (ours.front, ours.end, ours.n_vocab)

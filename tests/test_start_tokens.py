"""What stands in front of a story, from the corpus to tables, and in the hooked model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foreign_tokenizers import KINDS, stored, write_model, write_tokenizer
from models import STORIES, tiny_checkpoint
from tokenizers import Tokenizer as Backend

import tinyinterp
from tinyinterp.checkpoint import load
from tinyinterp.errors import CheckpointError, ConfigError, CorpusError, TokenizerError
from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.head_census.repeated import repeated_batches
from tinyinterp.neuron_census.activations import token_ids
from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.neuron_census.top_activations import find_hits
from tinyinterp.tagging import TagReader
from tinyinterp.tagging.alignment import Part
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.tokenizer import Tokenizer


def tokenizer(kind: str, start: str) -> Tokenizer:
    backend = Backend.from_str(stored(kind))
    return Tokenizer(backend, "</s>", bos="<s>", start=start)


@pytest.mark.parametrize("n_ctx", [2, 7, 11, 1009])
def test_without_a_start_token_each_token_but_the_first_is_counted_once(n_ctx):
    ours = tokenizer("metaspace", "none")
    corpus = corpus_of(STORIES, ours, n_ctx)
    for number, story in enumerate(STORIES):
        encoding = ours.encode(story)
        pieces = [s for s in corpus.sequences() if s.number == number]
        assert all(2 <= len(s.tokens) <= n_ctx for s in pieces)
        assert [t for s in pieces for t in s.tokens[1:]] == encoding.ids[1:]
        assert [tuple(o) for s in pieces for o in s.offsets[1:]] == encoding.offsets[1:]
        assert pieces[0].tokens[0] == encoding.ids[0]
        ids = np.concatenate([token_ids(s) for s in pieces])
        assert ids.tolist() == [number << STORY_SHIFT | at for at in range(1, len(encoding.ids))]


def test_with_a_start_token_the_story_follows_it():
    for start, token in (("bos", 1), ("eos", 2)):
        ours = tokenizer("metaspace", start)
        for sequence in corpus_of(STORIES, ours, 11).sequences():
            assert sequence.tokens[0] == token
            assert sequence.offsets[0].tolist() == [0, 0]
            assert sequence.front == 1
    first = next(corpus_of(STORIES, ours, 1009).sequences())
    assert first.tokens[1:].tolist() == ours.encode(STORIES[0]).ids


@pytest.mark.parametrize("kind", ["metaspace", "unigram"])
@pytest.mark.parametrize("start", ["none", "bos"])
def test_words_are_found_with_and_without_a_start_token(kind, start):
    ours, reader = tokenizer(kind, start), TagReader()
    sequence = next(corpus_of(STORIES, ours, 1009).sequences())
    read = reader.tokens(sequence)
    words = reader.words(sequence.story)
    for word, (a, b) in enumerate(zip(words.starts, words.ends, strict=True)):
        at = np.flatnonzero(read.words == word)
        spelled = ours.decode(sequence.tokens[at].tolist()).strip()
        assert spelled == sequence.story[a:b] or (read.parts == Part.SEVERAL).any()
    starts = np.isin(read.parts, (Part.WHOLE, Part.START))
    assert starts.sum() >= len(words.starts) // 2


def test_a_story_of_one_token_has_nothing_to_predict():
    ours = tokenizer("metaspace", "none")
    letter = ours.decode([ours.encode("a").ids[-1]]).strip() or "a"
    assert len(ours.encode(letter).ids) == 1
    with pytest.raises(CorpusError, match="two tokens or more"):
        corpus_of([letter], ours, 7).survey()


def test_a_first_hit_has_no_space_that_the_story_has_not():
    ours = tokenizer("metaspace", "bos")
    corpus = corpus_of(STORIES, ours, 1009)
    ids = token_ids(next(corpus.sequences()))[:2]
    hits = find_hits(corpus, TagReader(), ids)
    first, second = (hits[int(number)] for number in ids)
    assert first.before == ""
    assert STORIES[0].startswith((first.token + second.token).strip())
    assert second.before == first.token.removeprefix(" ")


def test_repeated_tokens_without_a_start_token_follow_a_random_one(tmp_path):
    config = tiny_checkpoint(tmp_path).decoder.config
    for batch in repeated_batches(config, None, 0):
        for row in batch.tokens.tolist():
            period = (len(row) - 1) // 2
            assert len(row) == 2 * period + 1
            assert row[1 : 1 + period] == row[1 + period :]
    assert len({row[0] for b in repeated_batches(config, None, 0) for row in b.tokens.tolist()}) > 3


def test_the_loss_leaves_out_the_bytes_of_a_first_token_that_is_only_read(tmp_path):
    opened = load(write_model(tmp_path, "metaspace"), start="none")
    loss = measure_text_loss(opened.decoder, opened.tokenizer, STORIES[:1])
    encoding = opened.tokenizer.encode(STORIES[0])
    assert loss.tokens == len(encoding.ids) - 1
    assert loss.bytes == len(STORIES[0][encoding.offsets[0][1] :].encode())
    ids = torch.tensor([encoding.ids])
    logits = opened.decoder(ids)[0, :-1].double().log_softmax(-1)
    expected = -logits[torch.arange(len(logits)), ids[0, 1:]].mean().item()
    assert loss.nats_per_token == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", [None, "none"])
def test_the_hooked_model_reads_a_text_as_we_do(kind, start, tmp_path):
    model = tinyinterp.load(write_model(tmp_path, kind), start=start)
    text = "Tim saw the dogs, and ran."
    ids = [*model.tokenizer.front, *model.tokenizer.encode(text).ids]
    hooked = model.hooked
    assert hooked.cfg.default_prepend_bos is bool(model.tokenizer.front)
    assert hooked.to_tokens(text).tolist() == [ids]
    assert hooked.to_tokens(text, prepend_bos=False).tolist() == [model.tokenizer.encode(text).ids]
    assert model.read(text).ids.tolist() == ids


def test_pad_without_a_row_is_read(tmp_path):
    folder = write_model(tmp_path, "byte-level")
    settings = {"tokenizer_class": "GPT2Tokenizer", "pad_token": "[PAD]"}
    write_tokenizer(folder, "byte-level", settings)
    model = tinyinterp.load(folder)
    assert model.tokenizer.n_vocab == model.config.n_vocab + 1
    assert max(model.tokenizer.encode("a [PAD] b").ids) < model.config.n_vocab
    write_tokenizer(folder, "byte-level", settings, added_tokens={"<sigh>": 307})
    with pytest.raises(CheckpointError, match="no row for '<sigh>'"):
        tinyinterp.load(folder)


def test_a_tokenizer_from_another_folder(tmp_path):
    folder = write_model(tmp_path / "model", "metaspace")
    whole = tinyinterp.load(folder)
    expected = whole.hooked.to_tokens("Tim ran.").tolist()
    other = write_tokenizer(tmp_path / "tokenizer", "metaspace")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(TokenizerError, match="--tokenizer DIR"):
        tinyinterp.load(folder)
    model = tinyinterp.load(folder, tokenizer=other)
    assert model.tokenizer.encode(STORIES[0]) == whole.tokenizer.encode(STORIES[0])
    assert model.hooked.to_tokens("Tim ran.").tolist() == expected


def test_a_corpus_with_another_start_is_refused(tmp_path):
    folder = write_model(tmp_path, "metaspace")
    corpus = tinyinterp.load(folder, start="none").corpus(STORIES)
    with pytest.raises(CorpusError, match="another model"):
        tinyinterp.load(folder, start="bos").corpus(corpus)


def test_an_empty_prompt_needs_a_start_token(tmp_path):
    folder = write_model(tmp_path, "metaspace")
    with pytest.raises(ConfigError, match="prompt is empty"):
        tinyinterp.generate(tinyinterp.load(folder, start="none"), "")
    assert tinyinterp.generate(tinyinterp.load(folder, start="bos"), "", max_tokens=3)

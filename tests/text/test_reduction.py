from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, processors

from tinyinterp.errors import TokenizerError
from tinyinterp.text.pieces import byte_characters
from tinyinterp.text.reduction import UNKNOWN, TokenCounts, count_tokens, coverage, reduce
from tinyinterp.text.tokenizer import END_OF_TEXT, Tokenizer

NAMES = ("Tim", "Lily", "Benjamin", "Zoë", "the grumpy elephant", "José")
PLACES = ("playground", "garden", "kitchen", "café", "mountains", "swimming pool")
THINGS = ("butterfly", "sandcastle", "“magic” lamp", "10 balloons", "piñata", "🐢")
STORIES = tuple(
    f"One day, {name} went to the {place}.\n\n{name} didn't find a {thing}; it was somewhere else…"
    for index, name in enumerate(NAMES)
    for place in PLACES[: 1 + index]
    for thing in THINGS[index // 2 :]
)
N_FULL = 353
SIZES = (263, 277, 293, 311)
PUBLISHED = 47
REST = PUBLISHED - 1  # the id of the unknown token


@cache
def full() -> Tokenizer:
    return Tokenizer.train(STORIES, N_FULL)


@cache
def counts() -> TokenCounts:
    return count_tokens(full(), iter(STORIES))


@cache
def pieces(size: int = 293):
    return reduce(full(), counts(), size)


@cache
def published(size: int = PUBLISHED):
    return reduce(full(), counts(), size, rest="unknown")


def test_counting_counts_what_encoding_gives():
    expected = Counter(token for story in STORIES for token in full().encode(story).ids)
    assert counts().tokens == expected
    words = Counter(w for s in STORIES for w, _ in full().backend.pre_tokenizer.pre_tokenize_str(s))
    assert sorted(counts().words.values()) == sorted(words.values())


@pytest.mark.parametrize("size", SIZES)
def test_the_size_is_exact_and_the_bytes_stay(size):
    reduction = pieces(size)
    tokenizer = reduction.tokenizer
    assert tokenizer.n_vocab == len(reduction.kept) == len(set(reduction.kept)) == size
    vocabulary = tokenizer.backend.get_vocab()
    assert sorted(vocabulary.values()) == list(range(size))
    assert set(byte_characters().values()) <= set(vocabulary)
    assert tokenizer.end_of_text == 0
    old = full().backend
    assert [old.id_to_token(t) for t in reduction.kept] == sorted(vocabulary, key=vocabulary.get)


@given(st.text() | st.sampled_from(STORIES), st.sampled_from((257, *SIZES)))
def test_pieces_lose_nothing(text, size):
    tokenizer = pieces(size).tokenizer
    encoding = tokenizer.encode(text)
    assert tokenizer.decode(encoding.ids) == text
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        alone = tokenizer.decode([token])
        assert "\ufffd" in alone or text[start:end] == alone
    covered = {place for start, end in encoding.offsets for place in range(start, end)}
    assert covered == set(range(len(text)))


@pytest.mark.parametrize("size", SIZES)
def test_every_kept_token_is_emitted(size):
    tokenizer = pieces(size).tokenizer
    raw = {char: byte for byte, char in byte_characters().items()}
    endings = [chr(c).encode() for c in (*range(0x80, 0x3000), 0x1F422, 0x1F600)]
    for name, token in tokenizer.backend.get_vocab().items():
        if name == END_OF_TEXT:  # in a text it is text
            assert token not in tokenizer.encode(name).ids
            continue
        part = bytes(raw[char] for char in name)
        try:
            assert tokenizer.encode(part.decode()).ids == [token]
        except UnicodeDecodeError:  # bytes of a character: some character must be cut there
            if len(part) > 1:
                cut = [whole.decode() for whole in endings if part in whole]
                assert any(token in tokenizer.encode(text).ids for text in cut)


def test_more_frequent_tokens_come_first_and_none_that_is_cut_is_more_frequent():
    reduction = pieces()
    frequency = counts().tokens
    kept = [frequency[token] for token in reduction.kept[1:]]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == max(frequency.values())
    base = {
        full().end_of_text,
        *(full().backend.token_to_id(c) for c in byte_characters().values()),
    }
    cut = max(frequency[t] for t in frequency if t not in reduction.kept)
    below = [t for t in reduction.kept if frequency[t] < cut and t not in base]
    assert 0 < len(below) <= reduction.steps  # only as steps towards others


def test_steps_are_the_tokens_that_merging_goes_through():
    vocabulary = {END_OF_TEXT: 0} | {c: i for i, c in enumerate(byte_characters().values(), 1)}
    merges = [("a", "b"), ("c", "d"), ("ab", "cd"), ("x", "y")]
    vocabulary |= {left + right: 257 + i for i, (left, right) in enumerate(merges)}
    backend = Backend.from_str(full().backend.to_str())
    backend.model = models.BPE(vocabulary, merges)
    tokenizer = Tokenizer(backend)
    counted = count_tokens(tokenizer, ["abcd"] * 3 + ["xy"] * 2)
    assert counted.tokens == {259: 3, 260: 2}
    reduction = reduce(tokenizer, counted, 260)
    assert reduction.steps == 2  # ab and cd, which never occur by themselves
    assert reduction.kept[:2] == (0, 259)
    assert reduction.tokenizer.encode("abcd").ids == [1]
    assert len(reduction.tokenizer.encode("xy").ids) == 2
    assert reduce(tokenizer, counted, 261).tokenizer.encode("xy").ids == [2]
    with pytest.raises(TokenizerError, match="vocabulary of 261, 262 were asked for"):
        reduce(tokenizer, counted, 262)
    cut_off = reduce(tokenizer, counted, 259).tokenizer  # room for the two steps, not for the token
    assert [cut_off.token_text(t) for t in cut_off.encode("abcd").ids] == ["ab", "cd"]


def test_merges_keep_their_order_and_stay_inside_the_vocabulary():
    model = json.loads(pieces().tokenizer.backend.to_str())["model"]
    old = json.loads(full().backend.to_str())["model"]
    kept = model["vocab"]
    inside = [m for m in old["merges"] if all(p in kept for p in (m[0], m[1], m[0] + m[1]))]
    assert model["merges"] == inside
    assert 0 < len(inside) < len(old["merges"])


def test_everything_around_the_model_stays():
    old, new = (json.loads(t.backend.to_str()) for t in (full(), pieces().tokenizer))
    for key in ("normalizer", "pre_tokenizer", "decoder", "post_processor"):
        assert new[key] == old[key]
    assert [(a["content"], a["id"]) for a in new["added_tokens"]] == [(END_OF_TEXT, 0)]


def test_merges_written_as_strings_are_read_too(monkeypatch):
    expected = pieces().tokenizer.encode_batch(STORIES)
    old = json.loads(full().backend.to_str())
    old["model"]["merges"] = [" ".join(merge) for merge in old["model"]["merges"]]

    class OlderBackend:
        get_vocab = staticmethod(full().backend.get_vocab)
        token_to_id = staticmethod(full().backend.token_to_id)
        to_str = staticmethod(lambda: json.dumps(old))

    tokenizer = Tokenizer(full().backend)
    monkeypatch.setattr(tokenizer, "backend", OlderBackend())
    assert reduce(tokenizer, counts(), 293).tokenizer.encode_batch(STORIES) == expected


def test_end_of_text_that_is_not_the_first_token_and_other_added_ones():
    backend = Backend.from_str(full().backend.to_str())
    backend.add_special_tokens(["<end>", "<pad>"])
    backend.post_processor = processors.TemplateProcessing("<end> $A", None, [("<end>", N_FULL)])
    tokenizer = Tokenizer(backend, "<end>")
    reduction = reduce(tokenizer, count_tokens(tokenizer, STORIES), 293)
    assert reduction.kept[0] == tokenizer.end_of_text == N_FULL
    assert reduction.tokenizer.end_of_text == 0
    assert reduction.tokenizer.backend.token_to_id("<end>") == 0
    assert len(reduction.tokenizer.encode("<pad>").ids) > 1
    assert reduction.tokenizer.backend.encode("a").tokens == ["a"]  # nothing is put before a text


def test_the_published_way_reads_the_rest_as_one_token():
    reduction = published()
    tokenizer = reduction.tokenizer
    assert tokenizer.n_vocab == PUBLISHED
    assert tokenizer.unknown_from == len(reduction.kept) == REST
    assert reduction.kept[0] == full().end_of_text
    assert reduction.kept[1:] == tuple(t for t, _ in _by_frequency())[: PUBLISHED - 2]
    new = {old: token for token, old in enumerate(reduction.kept)}
    for story in STORIES:
        old = full().encode(story)
        encoding = tokenizer.encode(story)
        assert encoding.ids == [new.get(token, REST) for token in old.ids]
        assert encoding.offsets == old.offsets
    assert any(REST in tokenizer.encode(story).ids for story in STORIES)
    assert tokenizer.decode([REST]) == tokenizer.token_text(REST) == UNKNOWN
    assert tokenizer.encode("\x07").ids == [REST]


@given(st.text())
def test_the_published_way_gives_only_ids_of_its_vocabulary(text):
    assert all(0 <= token <= REST for token in published().tokenizer.encode(text).ids)


@pytest.mark.parametrize("reduction", [pieces, published])
def test_reduced_tokenizers_open_again_here_and_in_transformers(tmp_path, reduction):
    from transformers import AutoTokenizer

    tokenizer = reduction().tokenizer
    tokenizer.save(tmp_path)
    opened, other = Tokenizer.open(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    assert opened.n_vocab == tokenizer.n_vocab
    for text in (*STORIES[::7], "never seen: žluťoučký 🦄"):
        ours = tokenizer.encode(text)
        assert opened.encode(text) == ours
        theirs = other(text, return_offsets_mapping=True, add_special_tokens=False)
        clamped = [min(token, tokenizer.n_vocab - 1) for token in theirs["input_ids"]]
        assert (clamped, theirs["offset_mapping"]) == (ours.ids, ours.offsets)


def test_coverage_is_the_share_of_occurrences():
    counted = TokenCounts(
        Counter({(1, 2): 1, (1,): 4, (3, 2): 2, (4,): 3})
    )  # 1: 5, 2: 3, 4: 3, 3: 2
    table = coverage(counted, [1, 2, 3, 4, 5, 101])
    assert table["n_vocab"] == [1, 2, 3, 4, 5, 101]
    assert table["tokens"] == pytest.approx([0, 5 / 13, 8 / 13, 11 / 13, 1, 1], rel=1e-5)
    assert table["words"] == pytest.approx([0, 0.4, 0.5, 0.8, 1, 1])


def test_coverage_agrees_with_the_published_reduction():
    row = coverage(counts(), [REST]).row(n_vocab=REST)
    tokens = [t for story in STORIES for t in published().tokenizer.encode(story).ids]
    assert row["tokens"] == pytest.approx(1 - tokens.count(REST) / len(tokens), rel=1e-5)


def test_what_cannot_be_reduced_is_refused():
    with pytest.raises(TokenizerError, match="at least 257"):
        reduce(full(), counts(), 256)
    with pytest.raises(TokenizerError, match="at least 2"):
        reduce(full(), counts(), 1, rest="unknown")
    with pytest.raises(TokenizerError, match="10007 were asked for"):
        reduce(full(), counts(), 10007, rest="unknown")
    with pytest.raises(TokenizerError, match="start from the original"):
        reduce(published().tokenizer, counts(), 283)
    with pytest.raises(TokenizerError, match="start from the original"):
        count_tokens(published().tokenizer, STORIES)
    word_pieces = models.WordPiece({END_OF_TEXT: 0, "a": 1}, unk_token=END_OF_TEXT)
    with pytest.raises(TokenizerError, match="not a byte-level BPE"):
        reduce(Tokenizer(Backend(word_pieces)), counts(), 283)
    with pytest.raises(TokenizerError, match="no token was counted"):
        coverage(TokenCounts(Counter()), [5])
    with pytest.raises(TokenizerError, match="ask for more"):
        coverage(counts(), [0])


def _by_frequency() -> list[tuple[int, int]]:
    return sorted(counts().tokens.items(), key=lambda item: (-item[1], item[0]))

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models import tiny_compressor, tiny_decoder, tiny_tokenizer

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation import loss as module
from tinyinterp.evaluation.loss import measure_loss, measure_text_loss, story_windows
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer

N_CTX = 13
STORIES = [
    "Tom had a red ball. 🐢",
    "One day a cat came, and Tom said: “Hello!”",
    "A",
    "The end of it all was very long, long, long, and so was this story.",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return tiny_decoder(n_ctx=N_CTX, window=3).double()


def obvious_nats(decoder: Decoder | Compressor, tokens: list[int]) -> list[float]:
    """Nats of each token of a story, from the definition, a forward pass for each."""
    n_ctx, nats = decoder.config.n_ctx, []
    for target in range(1, len(tokens)):
        start = 0
        while target > start + n_ctx:  # the earliest window that holds it
            start += n_ctx // 2
        logits = decoder(torch.tensor([tokens[start:target]]))[0, -1]
        nats.append(-logits.log_softmax(-1)[tokens[target]].item())
    return nats


@pytest.mark.parametrize("kind", [Decoder, Compressor])
def test_the_loss_is_that_of_the_definition(kind: type, decoder: Decoder, tokenizer: Tokenizer):
    model = decoder if kind is Decoder else tiny_compressor(n_ctx=N_CTX).double()
    tokens = [[tokenizer.end_of_text, *tokenizer.encode(story).ids] for story in STORIES]
    assert len(tokens[-1]) > 3 * N_CTX  # so that windows overlap
    nats = [nat for story in tokens for nat in obvious_nats(model, story)]
    n_bytes = sum(len(story.encode()) for story in STORIES)
    loss = measure_text_loss(model, tokenizer, STORIES)
    assert loss.nats_per_token == pytest.approx(sum(nats) / len(nats), rel=1e-12)
    assert loss.bits_per_byte == pytest.approx(sum(nats) / math.log(2) / n_bytes, rel=1e-12)
    assert loss.perplexity == pytest.approx(math.exp(sum(nats) / len(nats)), rel=1e-12)
    assert (loss.tokens, loss.bytes, loss.stories) == (len(nats), n_bytes, len(STORIES))


def test_a_model_that_knows_nothing_pays_the_logarithm_of_its_vocabulary(tokenizer: Tokenizer):
    decoder = tiny_decoder()
    for parameter in decoder.parameters():
        parameter.data.zero_()
    loss = measure_text_loss(decoder, tokenizer, ["abc"])
    n_tokens = len(tokenizer.encode("abc").ids)
    assert loss.nats_per_token == pytest.approx(math.log(tokenizer.n_vocab))
    assert loss.bits_per_byte == pytest.approx(math.log2(tokenizer.n_vocab) * n_tokens / 3)


def test_batching_and_chunks_change_nothing(
    decoder: Decoder, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    whole = measure_text_loss(decoder, tokenizer, STORIES)
    for batch_tokens, at_once in [(1, 256), (17, 256), (97, 1), (8192, 3)]:
        monkeypatch.setattr(module, "BATCH_TOKENS", batch_tokens)
        monkeypatch.setattr(module, "STORIES_AT_ONCE", at_once)
        other = measure_text_loss(decoder, tokenizer, STORIES)
        assert other.nats_per_token == pytest.approx(whole.nats_per_token, rel=1e-9)
        assert (other.tokens, other.bytes) == (whole.tokens, whole.bytes)


@pytest.mark.parametrize("first", [1, 3, 20])
def test_tokens_before_the_first_scored_are_read_and_not_scored(decoder, tokenizer, first):
    story = [tokenizer.end_of_text, *tokenizer.encode(" ".join(STORIES)).ids][: 2 * N_CTX]
    found = measure_loss(decoder, [(story, 77, first)])
    windows = story_windows(story, decoder.config.n_ctx)
    nats = {}
    for window in windows:
        logits = decoder(torch.tensor([window.tokens[:-1]]))[0].log_softmax(-1)
        start = next(
            i for i in range(len(story)) if story[i : i + len(window.tokens)] == window.tokens
        )
        for place in range(window.first, len(window.tokens)):
            nats[start + place] = -logits[place - 1, window.tokens[place]].item()
    scored = [nats[place] for place in range(first, len(story))]
    assert found.tokens == len(scored)
    assert found.nats_per_token == pytest.approx(sum(scored) / len(scored), rel=1e-5)


def test_tokens_and_texts_give_the_same(decoder: Decoder, tokenizer: Tokenizer):
    pairs = [
        ([tokenizer.end_of_text, *tokenizer.encode(story).ids], len(story.encode()), 1)
        for story in STORIES
    ]
    assert measure_loss(decoder, pairs) == measure_text_loss(decoder, tokenizer, STORIES)


def test_stories_are_read_as_they_are_needed(
    decoder: Decoder, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "STORIES_AT_ONCE", 2)
    asked, ahead = 0, []

    def stories():
        nonlocal asked
        for _ in range(11):
            asked += 1
            yield STORIES[0]

    class Report:
        done = 0.0

        def advance(self, steps: float = 1) -> None:
            self.done += steps
            ahead.append(asked - self.done / len(STORIES[0].encode()))

    report = Report()
    measure_text_loss(decoder, tokenizer, stories(), report)
    assert report.done == 11 * len(STORIES[0].encode())
    assert max(ahead) <= 2


@given(length=st.integers(1, 101), n_ctx=st.integers(1, 37))
def test_every_token_is_scored_once(length: int, n_ctx: int):
    tokens = list(range(length))  # a token is its own position
    scored = []
    for window in story_windows(tokens, n_ctx):
        assert 2 <= len(window.tokens) <= n_ctx + 1
        assert window.tokens == tokens[window.tokens[0] : window.tokens[-1] + 1]
        assert window.first >= 1
        for place in range(window.first, len(window.tokens)):
            target = window.tokens[place]
            scored.append(target)
            assert place == target or place >= max(1, n_ctx // 2)  # enough to its left
    assert scored == tokens[1:]


@pytest.mark.parametrize("stories", [[], [""]])
def test_nothing_to_score_is_an_error(decoder: Decoder, tokenizer: Tokenizer, stories: list[str]):
    with pytest.raises(CorpusError, match="no story"):
        measure_text_loss(decoder, tokenizer, stories)

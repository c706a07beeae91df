from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models import N_CTX, N_VOCAB, tiny_compressor, tiny_decoder, tiny_tokenizer

from tinyinterp.errors import ConfigError
from tinyinterp.network import choice, generation
from tinyinterp.network.choice import choose, distribution
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.config import Architecture
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.generation import ROWS_AT_ONCE, continue_prompts, generate, stream
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.stream import TextStream

PROMPT = [0, 17, 5, 42]
GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return tiny_decoder(tied=False)  # a tied head would repeat the last token for ever


def without_cache(decoder: Decoder | Compressor, prompt: list[int], n: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(n):
        tokens.append(int(decoder(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_greedy_with_the_cache_is_greedy_without_it(architecture: Architecture):
    decoder = tiny_decoder(architecture, tied=False, scale=0.4)
    expected = without_cache(decoder, PROMPT, N_CTX - len(PROMPT))
    assert len(set(expected)) > 5  # not one token for ever, which would agree by accident
    assert generate(decoder, PROMPT, settings=GREEDY) == [expected]


def test_a_compressor_goes_on_greedily_to_the_end_of_its_context():
    compressor = tiny_compressor(tied=False, n_ctx=23, seed=7)
    expected = without_cache(compressor, PROMPT, 23 - len(PROMPT))
    assert len(set(expected)) > 5
    assert generate(compressor, PROMPT, settings=GREEDY) == [expected]
    ended = generate(compressor, PROMPT, settings=GREEDY, end_of_text=expected[6])[0]
    assert ended == expected[: expected.index(expected[6]) + 1]


def test_samples_of_a_compressor_that_end_leave_the_others_alone():
    compressor, settings = tiny_compressor(tied=False, n_ctx=23), Sampling(top_k=7, seed=2)
    free = generate(compressor, PROMPT, settings=settings, n_samples=5)
    assert len({tuple(sample) for sample in free}) == 5
    assert generate(compressor, PROMPT, settings=settings)[0] == free[0]
    end = free[1][3]
    cut = generate(compressor, PROMPT, settings=settings, end_of_text=end, n_samples=5)
    assert cut == [s[: s.index(end) + 1] if end in s else s for s in free]
    assert len({len(sample) for sample in cut}) > 1


def test_top_k_of_one_is_greedy(decoder: Decoder):
    one = Sampling(temperature=1.7, top_k=1, seed=11)
    assert generate(decoder, PROMPT, settings=one) == generate(decoder, PROMPT, settings=GREEDY)


def test_a_tiny_top_p_is_greedy(decoder: Decoder):
    nucleus = Sampling(top_p=1e-9, seed=11)
    assert generate(decoder, PROMPT, settings=nucleus) == generate(decoder, PROMPT, settings=GREEDY)


def test_the_same_seed_gives_the_same_text_and_another_seed_another(decoder: Decoder):
    def draw(seed: int) -> list[list[int]]:
        return generate(decoder, PROMPT, settings=Sampling(seed=seed), n_samples=3)

    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
    assert len({tuple(sample) for sample in draw(7)}) == 3


def test_a_sample_does_not_depend_on_how_many_are_asked_for(decoder: Decoder):
    end = generate(decoder, PROMPT, settings=Sampling(seed=5))[0][2]  # some do end early
    n = ROWS_AT_ONCE + 5
    many = generate(decoder, PROMPT, settings=Sampling(seed=5), end_of_text=end, n_samples=n)
    few = generate(decoder, PROMPT, settings=Sampling(seed=5), end_of_text=end, n_samples=3)
    assert len(many) == n
    assert many[:3] == few
    assert len({len(sample) for sample in many}) > 1


def test_samples_that_end_leave_the_others_alone(decoder: Decoder):
    free = generate(decoder, PROMPT, settings=Sampling(seed=2), n_samples=7)
    end = Counter(token for sample in free for token in sample[:10]).most_common(1)[0][0]
    ended = generate(decoder, PROMPT, settings=Sampling(seed=2), end_of_text=end, n_samples=7)
    assert any(len(sample) < N_CTX - len(PROMPT) for sample in ended)
    for sample, whole in zip(ended, free, strict=True):
        stop = whole.index(end) + 1 if end in whole else len(whole)
        assert sample == whole[:stop]


def test_end_of_text_is_passed_over_on_request(decoder: Decoder):
    whole = generate(decoder, PROMPT, settings=GREEDY)[0]
    on = generate(decoder, PROMPT, settings=GREEDY, end_of_text=whole[1])[0]
    off = Sampling(temperature=0, stop_at_end=False)
    assert on == whole[: whole.index(whole[1]) + 1]
    assert generate(decoder, PROMPT, settings=off, end_of_text=whole[1])[0] == whole


def test_text_stops_where_the_context_does_or_at_the_limit(decoder: Decoder):
    assert len(generate(decoder, PROMPT, settings=GREEDY)[0]) == N_CTX - len(PROMPT)
    limited = Sampling(temperature=0, max_tokens=6)
    assert len(generate(decoder, PROMPT, settings=limited)[0]) == 6
    longest = [1] * (N_CTX - 1)
    assert len(generate(decoder, longest, settings=GREEDY)[0]) == 1


def test_stream_gives_each_token_as_soon_as_it_is_made(decoder: Decoder):
    pairs = stream(decoder, PROMPT, settings=Sampling(max_tokens=3), n_samples=2)
    assert [sample for sample, _ in pairs] == [0, 1, 0, 1, 0, 1]


@settings(max_examples=60, deadline=None)
@given(
    tenths=st.lists(st.integers(-60, 60), min_size=2, max_size=23),  # ties included
    top_p=st.floats(0.01, 0.99),
    temperature=st.floats(0.2, 3),
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(
    tenths: list[int], top_p: float, temperature: float
):
    logits = [tenth / 10 for tenth in tenths]
    weights = {t: math.exp(x / temperature) for t, x in enumerate(logits)}
    total = sum(weights.values())
    kept, mass = [], 0.0
    for token in sorted(weights, key=lambda t: (-logits[t], t)):
        if mass >= top_p:
            break
        kept.append(token)
        mass += weights[token] / total
    if min(abs(mass - top_p), abs(mass - weights[kept[-1]] / total - top_p)) < 1e-9:
        return  # on the edge, where rounding decides
    probabilities, order = distribution(
        torch.tensor([logits], dtype=torch.float64), Sampling(temperature=temperature, top_p=top_p)
    )
    assert order[0, probabilities[0] > 0].tolist() == kept
    assert probabilities.sum().item() == pytest.approx(mass)


def test_top_k_keeps_k_and_top_p_is_taken_among_them():
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()[None]
    probabilities, order = distribution(logits, Sampling(top_k=2))
    np.testing.assert_allclose(probabilities[0], [4 / 7, 3 / 7, 0, 0], atol=1e-6)
    assert order[0, :2].tolist() == [0, 1]
    both, _ = distribution(logits, Sampling(top_k=2, top_p=0.5))
    assert (both[0] > 0).sum() == 1  # 4/7 reaches .5; of the whole, .4 would not


def test_draws_follow_the_distribution():
    logits = torch.tensor([0.1, 0.6, 0.3]).log()[None]
    draws = {0.0: 1, 0.59: 1, 0.61: 2, 0.89: 2, 0.91: 0, 1 - 2**-53: 0}
    for draw, token in draws.items():
        assert choose(logits, torch.tensor([draw], dtype=torch.float64), Sampling()).item() == token
    hot = choose(logits, torch.tensor([0.5], dtype=torch.float64), Sampling(temperature=1e6))
    assert hot.item() == 2  # near uniform: thirds, the likeliest first


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"temperature": -0.1}, "temperature is -0.1"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_p": 1.5}, "top_p is 1.5"),
        ({"seed": -1}, "seed is -1"),
        ({"max_tokens": 0}, "max_tokens is 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(given_settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        Sampling(**given_settings)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ([1] * N_CTX, f"the prompt has {N_CTX} tokens, the context holds {N_CTX}"),
        ([], "the prompt is empty"),
        ([N_VOCAB], f"outside of the model's vocabulary of {N_VOCAB}"),
    ],
)
def test_prompts_that_cannot_be_continued_are_refused(
    decoder: Decoder, prompt: list[int], message: str
):
    with pytest.raises(ConfigError, match=message):
        generate(decoder, prompt, settings=GREEDY)


def test_no_samples_are_refused(decoder: Decoder):
    with pytest.raises(ConfigError, match="0 samples"):
        generate(decoder, PROMPT, settings=GREEDY, n_samples=0)


@given(st.text(max_size=13))
def test_streamed_text_is_the_whole_text(text: str):
    tokenizer = tiny_tokenizer()
    shown = TextStream(tokenizer)
    pieces = [shown.feed(token) for token in tokenizer.encode(text).ids]
    assert "".join([*pieces, shown.close()]) == text
    if "\ufffd" not in text:
        assert all("\ufffd" not in piece for piece in pieces)


def test_half_a_character_at_the_end_is_shown_as_missing():
    tokenizer = tiny_tokenizer()
    shown = TextStream(tokenizer)
    first, *_ = tokenizer.encode("🐢").ids
    assert shown.feed(first) == ""
    assert shown.close() == "\ufffd"
    assert shown.close() == ""


PROMPTS = [
    [0, 17, 5, 42],
    [0],
    [0, 17, 5, 9, 9, 31, 8, 120, 3, 44, 2],
    [0, 250, 17],
    [0, 17, 5, 42],
]


@pytest.mark.parametrize("family", ["gpt_neo", "gpt2", "gpt_neox", "llama", "compressor"])
@pytest.mark.parametrize("drawn", [GREEDY, Sampling(top_p=0.9, max_tokens=23)])
def test_prompts_side_by_side_are_continued_as_alone(
    family: Any, drawn: Sampling, monkeypatch: pytest.MonkeyPatch
):
    model = (
        tiny_compressor(tied=False, n_ctx=29).double()
        if family == "compressor"
        else tiny_decoder(family, tied=False, scale=0.4, n_ctx=29).double()
    )
    seeds = [3, 5, 7, 11, 13]
    alone = [
        generate(model, prompt, settings=replace(drawn, seed=seed), n_samples=2)
        for prompt, seed in zip(PROMPTS, seeds, strict=True)
    ]
    ends = Counter(token for samples in alone for sample in samples for token in sample[:-1])
    end = ends.most_common()[5][0]  # ends some, early and late
    cut = [[s[: s.index(end) + 1] if end in s else s for s in samples] for samples in alone]
    assert len({len(sample) for samples in cut for sample in samples}) > 2
    for at_once in (128, 3):
        monkeypatch.setattr(generation, "ROWS_AT_ONCE", at_once)
        made = continue_prompts(
            model, PROMPTS, settings=drawn, seeds=seeds, end_of_text=end, n_samples=2
        )
        found = {(each.prompt, each.sample): each.tokens for each in made}
        expected = {(p, s): cut[p][s] for p in range(len(PROMPTS)) for s in range(2)}
        assert found == expected


def test_a_batch_is_as_large_as_its_keys_and_values_may_be(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
):
    batches: list[int] = []
    written = generation._stream_batch

    def watched(model: Any, rows: Any, *rest: Any) -> Any:
        batches.append(len(rows))
        return written(model, rows, *rest)

    monkeypatch.setattr(generation, "_stream_batch", watched)
    of_a_row = 2 * 3 * 26 * N_CTX * 4  # keys and values, layers, width, positions, bytes
    monkeypatch.setattr(generation, "CACHE_BYTES", 2 * of_a_row + 1)
    list(continue_prompts(decoder, PROMPTS, settings=Sampling(max_tokens=1)))
    assert batches == [2, 2, 1]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sharp=st.floats(0.1, 9),
    top_k=st.none() | st.integers(1, 40),
    top_p=st.none() | st.floats(0.01, 1),
    step=st.sampled_from([1e-9, 1.0]),  # with ties, and without
)
def test_ranking_the_likeliest_first_changes_no_choice(
    seed: int, sharp: float, top_k: int | None, top_p: float | None, step: float
):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(7, 101, generator=generator) * sharp
    logits = (logits / step).round() * step if step == 1 else logits
    draws = torch.rand(7, generator=generator, dtype=torch.float64)
    drawn = Sampling(temperature=0.7, top_k=top_k, top_p=top_p)
    whole = choose(logits, draws, drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "RANKED", 23)
        assert torch.equal(choose(logits, draws, drawn), whole)

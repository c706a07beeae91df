from __future__ import annotations

import copy
import platform
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tests.models import tiny_decoder
from tinyinterp.errors import ConfigError
from tinyinterp.network.packed import DECIDES, _gain, _operators_work, packed


def linear_layers(engine):
    return [module for module in engine.modules() if type(module) is nn.Linear]


@pytest.fixture
def decoder():
    return tiny_decoder().eval()


@pytest.fixture(autouse=True)
def decided(monkeypatch):
    """Whatever would be measured on the machine that the tests run on."""
    monkeypatch.setenv(DECIDES, "1")


def is_packed(engine):
    with packed(engine):
        return any("forward" in layer.__dict__ for layer in linear_layers(engine))


def test_the_environment_decides(decoder, monkeypatch):
    assert is_packed(decoder)
    monkeypatch.setenv(DECIDES, "0")
    assert not is_packed(decoder)
    monkeypatch.setenv(DECIDES, "yes")
    with pytest.raises(ConfigError, match="TINYINTERP_PACKED is 'yes'; expected 1 or 0"):
        is_packed(decoder)


@pytest.mark.parametrize(("gain", "expected"), [(1.4, True), (1.1, False), (0.8, False)])
def test_weights_are_packed_where_that_is_clearly_faster(monkeypatch, gain, expected):
    asked = []

    def measured(*shape):
        asked.append(shape)
        return gain

    monkeypatch.delenv(DECIDES)
    monkeypatch.setattr("tinyinterp.network.packed._gain", measured)
    layers = [*(nn.Linear(128, 256) for _ in range(3)), nn.Linear(128, 128), nn.Linear(128, 4096)]
    assert is_packed(nn.Sequential(*layers).eval()) is expected
    assert asked == [(128, 256)]  # where it spends most, but for a head


def test_layers_too_small_to_gain_anything_are_not_measured(decoder, monkeypatch):
    monkeypatch.delenv(DECIDES)
    monkeypatch.setattr("tinyinterp.network.packed._gain", lambda *_: pytest.fail("measured"))
    assert not is_packed(decoder)


def test_a_shape_is_measured_once_and_said(monkeypatch, caplog):
    monkeypatch.delenv(DECIDES)
    caplog.set_level("DEBUG", "tinyinterp")
    _gain.cache_clear()
    engine = nn.Sequential(nn.Linear(128, 192), nn.Linear(192, 128)).eval()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    chosen = [is_packed(engine) for _ in range(3)]
    assert len(set(chosen)) == 1
    assert len(caplog.messages) == 1
    assert "packed ones are" in caplog.messages[0]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_packed_products_are_the_same_to_the_last_digits(decoder):
    tokens = torch.arange(2 * 11).view(2, 11) % decoder.config.n_vocab
    with torch.inference_mode():
        plain = decoder(tokens)
        with packed(decoder):
            fast = decoder(tokens)
        again = decoder(tokens)
    torch.testing.assert_close(fast, plain, rtol=1e-5, atol=1e-5)
    assert torch.equal(again, plain)


def test_nothing_is_left_behind_even_after_an_error(decoder):
    def fail():
        with packed(decoder):
            assert any("forward" in layer.__dict__ for layer in linear_layers(decoder))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert not any("forward" in layer.__dict__ for layer in linear_layers(decoder))


def test_a_context_within_another_changes_nothing(decoder):
    with packed(decoder):
        before = [layer.__dict__.get("forward") for layer in linear_layers(decoder)]
        with packed(decoder):
            pass
        assert [layer.__dict__.get("forward") for layer in linear_layers(decoder)] == before


def test_changes_of_the_weights_count_from_the_next_context_on(decoder):
    x = torch.randn(3, decoder.config.d_model, generator=torch.Generator().manual_seed(0))
    up = decoder.block(0).mlp.up
    with torch.inference_mode(), packed(decoder):
        before = up(x)
    with torch.no_grad():
        up.weight.mul_(2)
    with torch.inference_mode(), packed(decoder):
        torch.testing.assert_close(up(x) - up.bias, 2 * (before - up.bias))


@pytest.mark.parametrize("n_rows", [0, 1, 7])
def test_any_number_of_rows(decoder, n_rows):
    x = torch.ones(n_rows, decoder.config.d_model)
    up = decoder.block(0).mlp.up
    with torch.inference_mode():
        plain = up(x)
        with packed(decoder):
            torch.testing.assert_close(up(x), plain)


@pytest.fixture
def untried():
    _operators_work.cache_clear()
    yield
    _operators_work.cache_clear()


def _fail(*_arguments):
    raise RuntimeError("mkldnn::_reorder_linear_weight() expected at most 1 argument")


def _wrong(_x, weight, *_arguments):
    return torch.zeros(1, weight.shape[0])


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("name", ["_reorder_linear_weight", "_linear_pointwise"])
@pytest.mark.parametrize("changed", [None, _fail, _wrong])
def test_without_either_private_operator_nothing_is_packed(decoder, monkeypatch, name, changed):
    operators = {
        "_reorder_linear_weight": lambda weight, _rows: weight,
        "_linear_pointwise": lambda x, weight, bias, *_: nn.functional.linear(x, weight, bias),
    }
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(**operators))
    assert _operators_work()
    _operators_work.cache_clear()
    changed_to = {} if changed is None else {name: changed}
    there = {key: value for key, value in operators.items() if key != name}
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace(**there, **changed_to))
    tokens = torch.arange(11)[None]
    with torch.inference_mode():
        plain = decoder(tokens)
        with packed(decoder):
            assert not any("forward" in layer.__dict__ for layer in linear_layers(decoder))
            assert torch.equal(decoder(tokens), plain)


def test_what_is_not_a_plain_linear_layer_in_fp32_stays_as_it_is(decoder):
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    double = copy.deepcopy(decoder).double()
    training = copy.deepcopy(decoder).train()
    derived = Doubled(3, 5).eval()
    for engine in (double, training, derived):
        with packed(engine):
            assert not any("forward" in module.__dict__ for module in engine.modules())

from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

import tinyinterp
from tinyinterp.cli.app import app
from tinyinterp.devices import choose_device, described, fp64_device, moved, require_fp64
from tinyinterp.errors import SelectionError
from tinyinterp.model_account.means import ContextMeans
from tinyinterp.model_account.predictors import Predictor


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CUDA devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card {device.index}")


@pytest.fixture
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


@pytest.mark.usefixtures("no_card")
def test_auto_without_a_card_is_the_cpu():
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("cards")
def test_names_of_cards():
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 0)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(("rank", "index"), [("1", 1), ("3", 1)])
def test_each_process_has_its_own_card(rank, index, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", rank)
    assert choose_device("cuda") == choose_device("auto") == torch.device("cuda", index)
    assert choose_device("cuda:0") == torch.device("cuda", 0)


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize(
    "name", ["gpu", "cuda:9", "cuda:", "cuda:-1", "CUDA", "", "0", "meta", "cpu:0", "cuda:1 "]
)
def test_a_wrong_name_says_what_there_is(name):
    with pytest.raises(SelectionError, match="cpu, cuda:0, cuda:1"):
        choose_device(name)


@pytest.mark.usefixtures("no_card")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_here_says_what_is(name):
    with pytest.raises(SelectionError, match=f"no device {name} here; give one of auto, cpu$"):
        choose_device(name)


@pytest.mark.usefixtures("mps")
def test_what_needs_fp64_passes_over_mps():
    assert choose_device("auto") == choose_device("mps") == torch.device("mps")
    assert choose_device("auto", fp64=True) == torch.device("cpu")
    with pytest.raises(SelectionError, match="mps has no fp64"):
        choose_device("mps", fp64=True)
    with pytest.raises(SelectionError, match="mps has no fp64"):
        require_fp64(torch.device("mps"))


def test_where_sums_are_made():
    for name in ("cpu", "cuda:0"):
        assert fp64_device(torch.device(name)) == torch.device(name)
    assert fp64_device(torch.device("mps")) == torch.device("cpu")


@pytest.mark.usefixtures("cards")
def test_a_card_is_described_with_its_precision(monkeypatch):
    assert described(torch.device("cuda", 1)) == "cuda:1 (card 1)"
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    assert "TensorFloat-32" in described(torch.device("cuda", 1))


def test_tensors_are_moved_wherever_they_lie():
    tensors = [torch.zeros(2, 3) for _ in range(4)]
    found = moved([Predictor(ContextMeans(*tensors[:3]), tensors[3])], torch.device("meta"))
    means = found[0].means
    held = (means.by_row, means.by_position, means.beside, found[0].correction)
    assert {each.device.type for each in held} == {"meta"}


def test_nothing_chooses_a_lower_precision():
    tinyinterp.load()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32


@pytest.mark.usefixtures("no_card")
@pytest.mark.parametrize(
    "command",
    [
        ["heads"],
        ["heads", "--over-training", "--ckpt", "."],
        ["neurons", "--layer", "0"],
        ["account"],
        ["account", "--weights"],
        ["atlas"],
        ["generate", "Once"],
        ["explore"],
        ["compare", "bundled", "."],
        ["evaluate", "loss"],
        ["evaluate", "prompts"],
        ["evaluate", "rouge"],
        ["evaluate", "proxies"],
    ],
)
@pytest.mark.parametrize("name", ["gpu", "cuda:9"])
def test_commands_refuse_a_wrong_device_before_any_work(command, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, [*command, "--device", name])
    assert isinstance(found.exception, SelectionError), found.output
    assert name in str(found.exception)
    assert "cpu" in str(found.exception)
    assert not list(tmp_path.rglob("*.csv"))

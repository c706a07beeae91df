"""The studies of how models were trained, and of their sizes, on tiny ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint, tiny_compressor_checkpoint

from analyses import compressor, contrastive, loss_curves, prompts, published, size_sweep
from analyses.inputs import Inputs
from analyses.measured_loss import block_loss
from tinyinterp.checkpoint import fingerprint
from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table

WRITTEN = 3
DECODERS = {
    "128-8-4": 0, "128-8-4-seed1": 1, "256-8-4": 0, "512-8-4": 0, "512-12-4": 0, "gptneo-41m": 0,
    "256-8-4-contrastive-5": 0,
}  # fmt: skip
TWICE = ("128-8-4", "128-8-4-seed1")
QUIET = "128-8-4"  # the log of whose training was lost
LOSSES = [4.0, 3.9, 3.8, 3.7, 3.6, 9.0, 3.5]  # with one spike


def read(figures, name):
    whole = json.loads((figures / f"{name}.json").read_text())
    return Table(name, whole["rows"], notes=whole["notes"])


def write_log(folder, *, contrast):
    points = [{"step": 10 * at, "tokens": 50 * at, "loss": x} for at, x in enumerate(LOSSES, 1)]
    if contrast:
        for point in points:
            point |= {"contrast_loss": 2.0, "guarded": 0.25}
        points[5]["contrast_loss"] = 0.01
    points.append({"step": 70, "tokens": 350, "dev_nats_per_token": 3.25})
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in points))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for number, name in enumerate(DECODERS):
        tiny_checkpoint(folder / name, seed=number, n_ctx=331)
    tiny_compressor_checkpoint(folder / "compressor-256", n_ctx=331)
    records: dict[str, dict[str, object]] = {
        name: {"seed": seed, "fingerprint": fingerprint(folder / name)}
        for name, seed in DECODERS.items()
    }
    (folder / "models.json").write_text(json.dumps(records | {"compressor-256": {"seed": 0}}))
    for name in {*DECODERS, "compressor-256"} - {QUIET}:
        write_log(folder / name, contrast="contrastive" in name)
    text = "".join(f"{story}\n<|endoftext|>\n" for story in STORIES * 3)
    (folder / "valid.txt").write_text(text)
    return folder


@pytest.fixture
def inputs(runs, tmp_path):
    valid = runs / "valid.txt"
    memory = "model,d_model,batch_size,peak_mib,fits\ndecoder,256,8,1200,yes\n"
    (tmp_path / "training_memory.csv").write_text(memory + "compressor,256,8,1000,yes\n")
    return Inputs(runs, text=valid, valid=valid, figures=tmp_path, limit=WRITTEN)


@pytest.fixture(scope="module")
def swept(runs, tmp_path_factory):
    """Where the tables of a sweep over one size of two seeds lie."""
    few, figures = map(tmp_path_factory.mktemp, ("few", "figures"))
    valid = runs / "valid.txt"
    for name in TWICE:
        (few / name).symlink_to(runs / name)
    (few / "models.json").write_text(json.dumps({name: {"seed": DECODERS[name]} for name in TWICE}))
    size_sweep.STUDY.run(Inputs(few, text=valid, valid=valid, figures=figures, limit=WRITTEN))
    return figures


def test_every_size_has_loss_prompts_and_proxies_with_intervals(swept):
    assert all(path.exists() for path in size_sweep.STUDY.written(swept))
    rows = list(read(swept, "size_sweep"))
    assert [row["model"] for row in rows] == list(TWICE)
    for row in rows:
        assert row["bits_low"] <= row["bits_per_byte"] <= row["bits_high"]
        assert row["p_right_low"] <= row["p_right"] <= row["p_right_high"]
        assert row["proxy_bits_per_byte"] > 0


def test_two_seeds_of_a_size_give_the_error(swept):
    rows, seeds = read(swept, "size_sweep"), read(swept, "size_sweep_seeds")
    one, other = rows["nats_per_token"]
    found = seeds.row(measure="nats_per_token")
    assert found["sizes"] == 1
    assert found["largest_difference"] == pytest.approx(abs(one - other), rel=1e-4)
    assert found["sd"] == pytest.approx(np.std([one, other], ddof=1), rel=1e-4)
    assert found["beyond_seeds"] > found["largest_difference"]


def test_the_order_of_the_sizes_is_compared_with_either_seed(inputs):
    losses = {name: block_loss(inputs, name) for name in size_sweep.STUDY.present(inputs)}
    rows = [
        {"model": name, "size": name.removesuffix("-seed1"), "seed": DECODERS[name]}
        | {"nats_per_token": published.LOSSES[name.removesuffix("-seed1")]}
        for name in losses
    ]
    assert rows[-1]["model"] == "128-8-4-seed1"
    rows[-1]["nats_per_token"] = 0.0  # with this seed the smallest is best
    found = size_sweep.order(rows, losses)
    assert found["sizes_ranked"] == 4
    assert found["spearman_with_published"] == pytest.approx(1.0)
    assert found["spearman_over_seeds"] == pytest.approx([-0.2, 1.0])
    assert -1 <= found["spearman_low"] <= found["spearman_high"] <= 1


def test_spikes_of_the_loss_and_of_the_whole_are_counted(inputs):
    contrastive.STUDY.run(inputs)
    rows = read(inputs.figures, "contrastive")
    row, plain = rows.row(model="256-8-4-contrastive-5"), rows.row(model="256-8-4")
    assert (row["spikes"], row["spikes_whole"], row["guarded"]) == (1, 1, 0.25)
    assert (plain["spikes"], plain["spikes_whole"], plain["above_plain"]) == (1, None, None)
    assert row["above_low"] <= row["above_plain"] <= row["above_high"]
    assert contrastive.whole_loss([{"loss": 3.0, "contrast_loss": 0.49}], 5.0) == [13.0]


def test_the_compressor_stands_beside_the_decoder_of_its_width(inputs):
    compressor.STUDY.run(inputs)
    row = read(inputs.figures, "compressor").row(model="compressor-256")
    assert (row["peak_mib"], row["published_mb"]) == (1000, 3451)
    assert row["above_low"] <= row["above_plain"] <= row["above_high"]
    memory = read(inputs.figures, "compressor_memory")
    assert len(memory) == 2 * len(compressor.WIDTHS) * len(published.BATCHES)
    assert memory.row(model="compressor", width=128, batch=32)["published_mb"] == 8831
    assert memory.row(model="decoder", width=128, batch=32)["published_mb"] is None


def test_losses_while_training_stand_beside_the_published(inputs):
    loss_curves.STUDY.run(inputs)
    rows = read(inputs.figures, "loss_curves")
    assert rows.notes["without_a_log"] == QUIET
    assert {row["kind"] for row in rows} == {
        "plain", "plain, seed 1", "12 layers", "contrastive, 5", "compressor", "GPT-Neo"
    }  # fmt: skip
    row = rows.row(model="gptneo-41m")
    assert row["train_nats"] == pytest.approx(np.mean(LOSSES), rel=1e-5)
    assert row["train_low"] < row["train_nats"] < row["train_high"]
    assert (row["held_out_nats"], row["published_train"], row["published_valid"]) == (
        3.25,
        1.4,
        1.5,
    )


def test_a_log_is_kept_without_the_run(inputs, tmp_path):
    loss_curves.STUDY.run(inputs)
    bare = Inputs(tmp_path / "gone", valid=inputs.valid, figures=inputs.figures, limit=None)
    assert contrastive.has_log(bare, "256-8-4")
    assert not contrastive.has_log(bare, QUIET)
    assert contrastive.training_log(bare, "256-8-4")[0]["loss"] == LOSSES[0]


def test_no_log_at_all_is_refused(inputs):
    with pytest.raises(SelectionError, match="log of its training"):
        loss_curves.measure(Inputs(inputs.runs, figures=inputs.figures, models=(QUIET,)))


def test_models_of_contrastive_training_answer_prompts_too(inputs):
    assert "256-8-4-contrastive-5" in prompts.STUDY.present(inputs)
    assert set(contrastive.MODELS) - set(contrastive.SIZES) == set(prompts.CONTRASTIVE)

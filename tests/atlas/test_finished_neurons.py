from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow import parquet

from tests.atlas.examples import NEURONS, neuron_row, write_census
from tinyinterp.atlas.finished_neurons import neuron_layers
from tinyinterp.errors import SelectionError
from tinyinterp.neuron_census.finished import Finished


def test_layers_come_in_order_with_their_rows_and_hits(neuron_census: Path):
    layers = list(neuron_layers(neuron_census))
    assert [layer.layer for layer in layers] == [0, 1]
    assert [len(layer.rows) for layer in layers] == list(NEURONS)
    assert layers[1].rows[3] == neuron_row(1, 3)
    assert layers[0].notes["tokens"] == 89
    assert [hit["rank"] for hit in layers[0].top[130]] == [1, 2, 3]
    assert layers[0].bottom[2][0]["activation"] == -3.0
    assert layers[1].histograms[4]["counts"] == [4, 0, 2]
    assert len(layers[1].associations[0]) == 6
    assert [(hit["band"], hit["rank"]) for hit in layers[0].whole_range[7]] == [
        (band, rank) for band in ("top", "below zero") for rank in (1, 2)
    ]


def test_what_a_census_may_leave_out_is_empty(tmp_path: Path):
    first, _ = neuron_layers(write_census(tmp_path, optional=False))
    assert len(first.rows) == NEURONS[0]
    for table in (first.top, first.bottom, first.associations, first.histograms, first.whole_range):
        assert not table


def test_a_folder_without_a_census_and_a_damaged_one_are_refused(tmp_path: Path):
    with pytest.raises(SelectionError, match="holds no census of neurons"):
        next(neuron_layers(tmp_path))
    (tmp_path / "neurons_layer0.parquet").write_bytes(b"PAR1")
    with pytest.raises(SelectionError, match=r"cannot read .*neurons_layer0"):
        next(neuron_layers(tmp_path))


def test_a_census_that_lacks_a_neuron_is_refused(tmp_path: Path):
    path = write_census(tmp_path) / "neurons_layer1.parquet"
    table = parquet.read_table(path)
    parquet.write_table(table.filter([number != 3 for number in range(len(table))]), path)
    census = Finished(tmp_path, (0, 1))
    assert census.neuron(1, 2) == neuron_row(1, 2)
    with pytest.raises(SelectionError, match="no row for neuron 3 of layer 1"):
        census.neuron(1, 3)

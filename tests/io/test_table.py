from __future__ import annotations

import csv
import json
import math
import sys
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tinyinterp.errors import DependencyError
from tinyinterp.io.table import Table, rounded, rounded_array


@dataclass(frozen=True)
class Row:
    layer: int
    kind: str
    sink: float
    low: float
    raises: list[str]


ROWS = [
    Row(0, "sink", 0.123456789, float("nan"), ["a", "b, “c”"]),
    Row(1, "mixed\nwith a line", -2.0, float("nan"), []),
]
NOTES = {"text": "stories", "seed": 3, "warnings": ["few"]}


def table():
    return Table("heads", ROWS, notes=NOTES)


def test_rows_of_a_dataclass_become_rows_with_its_columns():
    assert table().columns == ["layer", "kind", "sink", "low", "raises"]
    assert len(table()) == 2
    assert table()["layer"] == [0, 1]
    assert table()["raises"] == [["a", "b, “c”"], []]
    assert table().row(layer=1, sink=-2.0)["kind"] == "mixed\nwith a line"
    with pytest.raises(KeyError, match="7"):
        table().row(layer=7)


def test_rows_of_dicts_do_as_well():
    table = Table("heads", [{"layer": np.int64(3), "yes": np.bool_(True), "x": np.float32(0.1)}])  # noqa: FBT003
    [row] = table
    assert row == {"layer": 3, "yes": True, "x": 0.1}
    assert type(row["layer"]) is int
    assert type(row["yes"]) is bool
    assert json.loads(table.to_json())["rows"] == [row]


# Subnormal numbers have fewer digits than that.
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_numbers_keep_six_digits(number):
    [kept] = Table("t", [{"x": number}])["x"]
    assert kept == pytest.approx(number, rel=5.01e-6)
    assert len(f"{kept:e}".split("e")[0].lstrip("-").rstrip("0").replace(".", "")) <= 6


def test_the_csv_holds_what_the_table_holds(tmp_path):
    table().write(tmp_path)
    with (tmp_path / "heads.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "layer": "0",
        "kind": "sink",
        "sink": "0.123457",
        "low": "",
        "raises": "a b, “c”",
    }
    assert rows[1]["kind"] == "mixed\nwith a line"


def test_the_parquet_file_holds_what_the_table_holds(tmp_path):
    table().write(tmp_path)
    found = parquet.read_table(tmp_path / "heads.parquet")
    assert found.to_pylist() == [
        {"layer": 0, "kind": "sink", "sink": 0.123457, "low": None, "raises": ["a", "b, “c”"]},
        {"layer": 1, "kind": "mixed\nwith a line", "sink": -2, "low": None, "raises": []},
    ]
    assert json.loads(found.schema.metadata[b"tinyinterp"]) == NOTES


def test_a_column_of_numbers_keeps_its_type_when_none_is_known(tmp_path):
    table().write(tmp_path)
    schema = parquet.read_schema(tmp_path / "heads.parquet")
    assert schema.field("low").type == schema.field("sink").type == pa.float64()
    assert table().to_pandas()["low"].dtype == np.float64
    assert table().to_pandas()["low"].isna().all()


def test_without_pandas_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DependencyError, match=r"pandas is .*; pip install 'tinyinterp\[pandas\]'"):
        table().to_pandas()


def test_the_json_holds_what_the_table_holds(tmp_path):
    table().write(tmp_path)
    text = (tmp_path / "heads.json").read_text("utf-8")
    assert json.loads(text) == {
        "table": "heads",
        "notes": NOTES,
        "rows": table().to_arrow().to_pylist(),
    }
    assert "“c”" in text
    assert "NaN" not in text


def test_infinity_is_unknown_too():
    unbounded = Table("t", [{"x": math.inf}, {"x": 1.5}])
    assert unbounded.to_arrow().to_pylist() == [{"x": None}, {"x": 1.5}]
    assert "Infinity" not in unbounded.to_json()


def test_written_twice_the_bytes_are_the_same_and_nothing_else_is_there(tmp_path):
    (tmp_path / "mine.txt").write_text("here")
    paths = table().write(tmp_path)
    before = [path.read_bytes() for path in paths]
    assert [path.name for path in paths] == ["heads.csv", "heads.parquet", "heads.json"]
    assert [path.read_bytes() for path in table().write(tmp_path)] == before
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in paths} | {"mine.txt"}


def test_a_table_without_rows_is_written_as_well(tmp_path):
    empty = Table("heads", [])
    assert (len(empty), empty.columns) == (0, [])
    empty.write(tmp_path)
    assert json.loads((tmp_path / "heads.json").read_text())["rows"] == []
    assert parquet.read_table(tmp_path / "heads.parquet").num_rows == 0


def test_a_notebook_shows_it():
    assert "<table" in table()._repr_html_()
    assert "0.123457" in table()._repr_html_()


def test_many_numbers_are_rounded_as_one_is():
    random = np.random.default_rng(0)
    values = random.standard_normal(5000) * 10.0 ** random.integers(-40, 9, 5000)
    values[:7] = [0.0, 1.0, 0.5, -0.123456, 99999.94, 1e-9, 0.99999949]
    found = rounded_array(values).tolist()
    assert found == [rounded(value) for value in values.tolist()]

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from tinyinterp.errors import SelectionError
from tinyinterp.io import stored
from tinyinterp.io.stored import read_json_table, read_notes, read_parquet
from tinyinterp.io.table import METADATA, Table

ROWS = [
    {"layer": 0, "kind": "word", "words": ["a"], "sink": None, "tested": True, "counts": [1, 2],
     "max_activation": 3.5},
    {"layer": 1, "kind": "dead", "words": [], "sink": 0.5, "tested": False, "counts": [3],
     "max_activation": 0.0},
]  # fmt: skip
NOTES = {"fingerprint": "f", "tokens": 7}


def written(folder: Path, table: pa.Table) -> Path:
    parquet.write_table(table, folder / "t.parquet")
    return folder / "t.parquet"


def test_a_table_comes_back_as_it_was_written(tmp_path: Path):
    paths = Table("t", ROWS, notes=NOTES).write(tmp_path)
    from_parquet = read_parquet(tmp_path / "t.parquet", ("layer", "sink"), SelectionError)
    from_json = read_json_table(tmp_path / "t.json", ("layer", "sink"), SelectionError)
    assert len(paths) == 3
    assert from_parquet == from_json
    assert from_parquet.rows == ROWS
    assert from_parquet.notes == NOTES == read_notes(tmp_path / "t.parquet", SelectionError)
    some = read_parquet(tmp_path / "t.parquet", (), SelectionError, [("layer", "=", 1)])
    assert some.rows == ROWS[1:]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("layer", ["a", "b"], "column layer holds string, which it never does"),
        ("layer", [None, 1], "column layer lacks values"),
        ("max_activation", [None, 1.5], "column max_activation lacks values"),
        ("kind", [1, 2], "column kind holds int64"),
        ("words", ["a", "b"], "column words holds string"),
        ("words", [[1], [2]], "column words holds list"),
        ("sink", ["a", "b"], "column sink holds string"),
        ("tested", [1, 2], "column tested holds int64"),
        ("counts", [[0.5], []], "column counts holds list"),
    ],
)
def test_a_column_that_holds_something_else_is_refused(tmp_path, column, values, message):
    table = Table("t", ROWS, notes=NOTES).to_arrow()
    at = table.column_names.index(column)
    path = written(tmp_path, table.set_column(at, column, pa.array(values)))
    with pytest.raises(SelectionError, match=message):
        read_parquet(path, (), SelectionError)
    table = json.loads(Table("t", ROWS, notes=NOTES).to_json())
    table["rows"][1][column] = values[1] if values[0] is not None else None
    (tmp_path / "t.json").write_text(json.dumps(table))
    if column != "counts" or values[1]:
        with pytest.raises(SelectionError, match=f"t.json: {column} of row 1"):
            read_json_table(tmp_path / "t.json", (), SelectionError)


@pytest.mark.parametrize(
    "notes", [b"[" * 500, b"\xff", b"[]", b'{"warnings": 3}', b'{"census": []}']
)
def test_notes_that_are_none_are_refused(tmp_path: Path, notes: bytes):
    path = written(tmp_path, pa.table({"layer": [1]}).replace_schema_metadata({METADATA: notes}))
    with pytest.raises(SelectionError, match="the notes of"):
        read_parquet(path, (), SelectionError)


def test_what_is_missing_or_no_table_is_refused(tmp_path: Path):
    path = written(tmp_path, Table("t", ROWS, notes=NOTES).to_arrow())
    with pytest.raises(SelectionError, match="has no column head"):
        read_parquet(path, ("layer", "head"), SelectionError)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SelectionError, match="cannot read"):
        read_parquet(path, (), SelectionError)
    with pytest.raises(SelectionError, match="there is no such file"):
        read_notes(tmp_path / "none.parquet", SelectionError)
    written(tmp_path, pa.table({"layer": [1]}))
    with pytest.raises(SelectionError, match="was not written by tinyinterp"):
        read_parquet(path, (), SelectionError)


def test_a_file_that_inflates_a_thousandfold_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stored, "LEAST_BELIEVED", 1 << 20)
    text = "x" * (8 << 20)
    table = pa.table({"kind": [text]}).replace_schema_metadata({METADATA: "{}"})
    parquet.write_table(table, tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "t.parquet").stat().st_size < 40_000
    with pytest.raises(SelectionError, match="more than such a file can"):
        read_parquet(tmp_path / "t.parquet", (), SelectionError)

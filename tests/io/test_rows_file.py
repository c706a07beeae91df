from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tinyinterp.errors import OutputError
from tinyinterp.io.rows_file import RowsFile, digest_of

ROWS = np.arange(35, dtype=np.float64).reshape(7, 5)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_come_back_in_the_order_in_which_they_were_appended(named, dtype, tmp_path):
    file = RowsFile(tmp_path / "a.rows" if named else None, 5, dtype)
    assert file.read().shape == (0, 5)
    for part in (ROWS[:2], ROWS[2:2], ROWS[2:]):
        file.append(part)
        assert file.read().dtype == dtype
    assert (file.read() == ROWS).all()
    assert file.n_bytes == 35 * np.dtype(dtype).itemsize
    file.replace([ROWS[5:], ROWS[:1]])
    assert (file.read() == ROWS[[5, 6, 0]]).all()
    file.close()
    assert not list(tmp_path.iterdir())


def test_rows_of_any_layout_are_written_row_by_row():
    file = RowsFile(None, 5, np.float64)
    file.append(np.asfortranarray(ROWS)[::2])
    assert (file.read() == ROWS[::2]).all()


def test_a_digest_is_of_all_rows_and_is_begun_anew_when_they_are_replaced(tmp_path: Path):
    file = RowsFile(tmp_path / "a.rows", 5, np.float64)
    for stop in (2, 7):
        file.append(ROWS[stop - 5 if stop == 7 else 0 : stop])
        expected = hashlib.sha256(ROWS[:stop].tobytes()).hexdigest()
        assert file.digest() == digest_of(tmp_path / "a.rows", file.n_bytes) == expected
    file.replace([ROWS[3:]])
    assert file.digest() == hashlib.sha256(ROWS[3:].tobytes()).hexdigest()
    assert digest_of(tmp_path / "a.rows", file.n_bytes + 1) is None


def test_a_file_is_continued_after_the_rows_that_it_is_known_to_hold(tmp_path: Path):
    path = tmp_path / "a.tmp.rows"
    first = RowsFile(path, 5, np.float64)
    first.append(ROWS)
    first.rename(tmp_path / "a.rows")
    assert not path.exists()
    first.append(ROWS[:1])
    del first
    again = RowsFile(tmp_path / "a.rows", 5, np.float64, held=3)
    assert (again.read() == ROWS[:3]).all()
    again.append(ROWS[6:])
    assert again.digest() == hashlib.sha256(ROWS[[0, 1, 2, 6]].tobytes()).hexdigest()


def test_a_file_that_cannot_be_written_or_was_cut_is_an_error_of_ours(tmp_path: Path):
    with pytest.raises(OutputError, match=r"cannot keep activations in .*gone: No such file"):
        RowsFile(tmp_path / "gone" / "a.rows", 5)
    file = RowsFile(tmp_path / "a.rows", 5)
    file.append(np.zeros((10_000, 5)))
    (tmp_path / "a.rows").write_bytes(b"short")
    with pytest.raises(OutputError, match="was cut while it was in use"):
        file.read()

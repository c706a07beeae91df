from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinyinterp.errors import TrainingError
from tinyinterp.io import bounded
from tinyinterp.io.bounded import MOST_DEPTH, parse_json, parse_toml, read_json, read_text

DEEP = MOST_DEPTH + 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * DEEP + "]" * DEEP, "nested more than 100 deep"),
        ("[" * 100_000, "nested more than 100 deep"),
        ('{"a":' * DEEP + "1" + "}" * DEEP, "nested more than 100 deep"),
        ("9" * 5000, "is not JSON"),
        ('{"\\ud800": 1}', "half of a surrogate pair"),
        ('["\\udc00"]', "half of a surrogate pair"),
        ("{", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_json_that_cannot_be_used_is_refused(text: str, message: str):
    with pytest.raises(TrainingError, match=f"^a file.*{message}"):
        parse_json(text, "a file", TrainingError)


def test_json_as_deep_as_is_allowed_is_read():
    text = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert parse_json(text, "a file", TrainingError) is not None
    assert parse_json('"\\ud83d\\udc36"', "a file", TrainingError) == "🐶"


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a = " + "[" * DEEP + "]" * DEEP, ".".join("a" * DEEP) + "=1"]
)
def test_toml_that_is_too_deep_is_refused(text: str):
    with pytest.raises(TrainingError, match="nested more than 100 deep"):
        parse_toml(text, "a file", TrainingError)


def test_only_regular_files_are_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for name in ("pipe", "folder", "device", "circle", "nowhere", "x" * 5000, "a\0b"):
        with pytest.raises(TrainingError, match="cannot read"):
            read_json(tmp_path / name, TrainingError)


def test_a_file_is_read_up_to_a_size(tmp_path: Path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(bounded.MOST_BYTES + 1)
    with pytest.raises(TrainingError, match="more than the 268,435,456 that such a file may have"):
        read_text(path, TrainingError)
    path.write_bytes(b"\xef\xbb\xbfa")
    assert read_text(path, TrainingError) == "a"
    path.write_bytes(b"\xff")
    with pytest.raises(TrainingError, match="not UTF-8"):
        read_text(path, TrainingError)

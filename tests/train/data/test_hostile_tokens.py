"""Token files that were damaged: no story outside the file, no token outside the vocabulary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import prepare

from tinyinterp.errors import TrainingError
from train.data import tokens
from train.data.tokens import TokenFile

FAR = 1 << 62


@pytest.fixture
def data(tmp_path: Path) -> Path:
    prepare(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("story", "column", "value"),
    [
        (5, 0, 0),  # backwards
        (5, 0, -1),
        (5, 0, FAR),
        (5, 0, -FAR),
        (0, 0, -(1 << 63)),
        (-1, 0, FAR),
        (5, 1, -1),  # bytes
        (5, 2, -1),  # of the instruction
        (5, 2, 10**6),
    ],
)
def test_an_index_that_points_elsewhere_is_refused(data: Path, story: int, column: int, value: int):
    path = data / "train.idx"
    index = np.fromfile(path, dtype=np.int64).reshape(-1, 3)
    index[story, column] = value
    index.tofile(path)
    with pytest.raises(TrainingError, match=r"train\.idx: story \d+ starts, ends or has"):
        TokenFile(data, "train")


@pytest.mark.parametrize("at", [0, 40, -1])
def test_a_token_beyond_the_vocabulary_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch, at: int
):
    monkeypatch.setattr(tokens, "TOKENS_AT_ONCE", 17)
    path = data / "train.bin"
    stored = np.fromfile(path, dtype=np.uint16)
    stored[at] = 281
    stored.tofile(path)
    with pytest.raises(TrainingError, match=r"holds token 281, data.json says that there are 281"):
        TokenFile(data, "train")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": "object"}, "dtype is 'object'; choose one of uint16, uint32"),
        ({"dtype": 3}, "dtype is 3"),
        ({"n_vocab": "many"}, "n_vocab is 'many'; expected a whole number"),
        ({"train": 3}, "train is 3; expected an object"),
        ({"train": {"stories": 1, "tokens": -1, "bytes": 3}}, "train.tokens is -1"),
        ({"dev": {}}, "dev has no field 'stories'"),
    ],
)
def test_a_card_with_a_wrong_field_is_refused(data: Path, fields: dict[str, Any], message: str):
    path = data / "data.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    with pytest.raises(TrainingError, match=message):
        TokenFile(data, "train")


def test_a_pipe_in_the_place_of_tokens_is_not_waited_for(data: Path):
    (data / "train.bin").unlink()
    os.mkfifo(data / "train.bin")
    with pytest.raises(TrainingError, match=r"holds no train split: .* is no file"):
        TokenFile(data, "train")

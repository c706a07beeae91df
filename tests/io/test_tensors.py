from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError, safe_open

from tinyinterp.io import tensors
from tinyinterp.io.tensors import write_tensors


def test_tensors_come_back_with_their_notes_and_the_usual_mode(tmp_path: Path):
    rows = torch.arange(35.0, requires_grad=True).view(5, 7)
    write_tensors(tmp_path / "t.safetensors", {"turned": rows.T}, {"step": "3"})
    (tmp_path / "other").touch()
    with safe_open(tmp_path / "t.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("turned"), rows.T)
        assert file.metadata() == {"step": "3"}
    assert (tmp_path / "t.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize(
    ("said", "number", "shown"),
    [
        ("serializing: I/O error: No space (os error 28)", errno.ENOSPC, "No space left on device"),
        ("a header too large", None, "a header too large"),
    ],
)
def test_what_cannot_be_written_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, number: int | None, shown: str
):
    def fails(*_: object, **__: object) -> None:
        raise SafetensorError(said)

    monkeypatch.setattr(tensors, "save_file", fails)
    with pytest.raises(OSError, match=shown) as raised:
        write_tensors(tmp_path / "t.safetensors", {"a": torch.zeros(2)}, {})
    assert raised.value.errno == number

"""A folder that cannot be written is refused before the work that would fill it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from holding import another_process_in
from outcome import Run

COMMANDS = {
    "heads": "tinyinterp.head_census.census_heads",
    "neurons": "tinyinterp.neuron_census.census_neurons",
    "account": "tinyinterp.model_account.take_account",
    "atlas": "tinyinterp.head_census.census_heads",
}
Folder = Callable[[Path], AbstractContextManager[object]]


def a_file(out: Path) -> AbstractContextManager[object]:
    out.write_text("mine", "utf-8")
    return nullcontext()


def below_a_file(out: Path) -> AbstractContextManager[object]:
    return a_file(out.parent)


@contextmanager
def read_only(_out: Path) -> Iterator[None]:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", refuse)  # root may write everywhere
        yield


REFUSED: list[tuple[Folder, str]] = [
    (a_file, "cannot write in .* choose another folder"),
    (below_a_file, "cannot write in .* choose another folder"),
    (read_only, "cannot write in .*: Permission denied; choose another folder"),
    (another_process_in, r"in use by process \d+ on .*; wait .* or choose another folder"),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("made", "message"), REFUSED)
def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    run: Run,
    ckpt: Path,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    made: Folder,
    message: str,
):
    def work(*_: object, **__: object) -> None:
        raise AssertionError("it has begun to work")

    monkeypatch.setattr(COMMANDS[command], work)
    words = ["--layer", "1"] if command == "neurons" else []
    out = tmp_path / "below" / "out"
    out.parent.parent.mkdir(exist_ok=True)
    if made is not below_a_file:
        out.parent.mkdir()
    with made(out):
        run(command, *words, "--ckpt", ckpt, "--text", text, "--out", out).refused(message)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from outcome import Outcome
from runs import MOJIBAKE_STORIES

from train.cli import main


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file of stories with mojibake, alone in its folder."""
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"{story}\n<|endoftext|>\n" for story in MOJIBAKE_STORIES), "utf-8")
    return path


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Calls the command line, in this process, and catches how it ends."""

    def call(*words: str | float | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(ended.value.code, captured.out, captured.err)

    return call

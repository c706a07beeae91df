from __future__ import annotations

from pathlib import Path

import pytest
from models import STORIES, tiny_checkpoint
from outcome import Outcome, Run

from tinyinterp.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the command line, in this process, and catches how it ends."""

    def call(*words: str | float | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(ended.value.code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def ckpt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint, not to be changed."""
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file of stories, alone in its folder."""
    path = tmp_path / "stories.txt"
    path.write_text("\n<|endoftext|>\n".join(STORIES), "utf-8")
    return path

"""TransformerLens of another version, or none: only the hooked form is missed."""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from models import tiny_checkpoint
from outcome import Outcome

import tinyinterp
from tinyinterp import errors
from tinyinterp.cli import main
from tinyinterp.errors import VersionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_checkpoint(tmp_path / "model").folder


def test_the_hooked_form_says_which_version_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "transformer_lens", ModuleType("transformer_lens"))
    monkeypatch.setattr(errors, "version", {"transformer_lens": "4.0.0"}.__getitem__)
    expected = (
        r"TransformerLens 3, but transformer_lens 4\.0\.0 is installed; "
        r"pip install 'transformer_lens>=3\.9,<4'"
    )
    model = tinyinterp.load(folder)
    for _ in range(2):  # asking again says it again
        with pytest.raises(VersionError, match=expected):
            _ = model.hooked


def test_everything_else_works_without_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setitem(sys.modules, "transformer_lens", None)  # importing it fails
    monkeypatch.setattr(errors, "version", missing)
    with pytest.raises(SystemExit) as ended:
        main(["info", "--json", "--ckpt", str(folder)])
    captured = capsys.readouterr()
    outcome = Outcome(ended.value.code, captured.out, captured.err)
    assert outcome.code == 0
    assert json.loads(outcome.out)["certificate"] is None
    assert outcome.err.startswith("note: no certificate: ")
    assert "transformer_lens is not installed; pip install" in outcome.err

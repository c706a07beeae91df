"""The script that a machine with a card runs once works before it gets there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "tests" / "benchmarks" / "gpu.py"
PARTS = ("tests", "products", "training", "heads", "neurons", "agreement")


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--dry", "--out", str(out), *options]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dry_run_has_every_part(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    page = (tmp_path / "gpu.md").read_text()
    assert done.stdout == page
    for part in PARTS:
        assert "failed" not in found[part], found[part]
        assert f"## {part}" in page
    assert found["training"]["tiny, eager"]["tokens/s"] > 0
    for part in ("heads", "neurons"):
        assert found[part]["bundled"]["times"] > 0
        assert found["agreement"][part]["kinds that differ"] == 0
        assert found["agreement"][part]["largest difference"] == 0  # the CPU agrees with itself
    assert "mean nothing" in page


def test_what_there_is_no_time_for_is_left_out(tmp_path):
    done = run(tmp_path, "--minutes", "0")
    assert done.returncode == 0, done.stderr
    assert "the time was up" in done.stdout


def test_a_part_that_fails_costs_no_other_and_the_run_says_so(tmp_path, monkeypatch, capsys):
    from tests.benchmarks import gpu

    def part(name: str) -> Callable[[object], dict[str, int]]:
        def found(_bench: object) -> dict[str, int]:
            if name == "products":
                raise ZeroDivisionError("a card that stands still")
            return {"parts": 1}

        found.__name__ = name
        return found

    for name in PARTS:
        monkeypatch.setattr(gpu.Bench, name, part(name))
    with pytest.raises(SystemExit, match="failed: products"):
        gpu.main(["--device", "cpu", "--dry", "--out", str(tmp_path)])
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["products"]["failed"] == "ZeroDivisionError: a card that stands still"
    assert all(found[name]["parts"] == 1 for name in PARTS if name != "products")
    assert "a card that stands still" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["cuda:99", "gpu"])
def test_a_wrong_device_is_refused(tmp_path, name):
    done = run(tmp_path, "--device", name)
    assert done.returncode == 1
    assert "no device" in done.stderr

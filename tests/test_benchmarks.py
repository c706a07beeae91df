"""The page of benchmarks says what was measured; benchmarks themselves are run by hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks import each other by name, as scripts in one folder do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("measured", "page"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_the_page_has_medians_spreads_and_the_machine(tmp_path: Path):
    from measured import Row, ratio, report
    from page import page

    rows = [
        Row("census", "tokens/s", (1_201.0, 1_303.0, 1_409.0)),
        ratio("census beside bare", (2.0, 9.0, 3.0), (1.0, 3.0, 2.0), "at least 1.8"),
        Row("memory", "MiB", (97.0,)),
    ]
    report("Heads", "How fast.", rows, tmp_path / "heads.json")
    said = page([json.loads((tmp_path / "heads.json").read_text("utf-8"))])
    assert "## Heads\n\nHow fast.\n\nOn " in said
    assert "| census | 1,303 tokens/s (1,201 to 1,409) |  |" in said
    assert "| census beside bare | 2 times (1.5 to 3) | at least 1.8 |" in said
    assert "| memory | 97 MiB |  |" in said


def test_a_section_stays_until_it_is_measured_again(tmp_path: Path):
    from measured import Row, report
    from page import page

    def result(title: str, speed: float) -> dict[str, Any]:
        report(title, "How fast.", [Row("pass", "tokens/s", (speed,))], tmp_path / "one.json")
        return json.loads((tmp_path / "one.json").read_text("utf-8"))

    before = page([result("Heads", 1_201), result("Neurons", 1_303)])
    after = page([result("Neurons", 1_409), result("Stories", 1_501)], before)
    assert after == page(
        [result("Heads", 1_201), result("Neurons", 1_409), result("Stories", 1_501)]
    )
    assert page([], after) == after


def test_ratios_are_taken_within_a_round():
    from measured import ratio

    assert ratio("a", (2.0, 30.0), (1.0, 10.0)).values == (2.0, 3.0)
    with pytest.raises(ValueError, match="argument 2"):
        ratio("a", (1.0,), (1.0, 2.0))


def test_every_benchmark_of_the_page_is_there():
    from page import NAMES

    assert [name for name in NAMES if not (BENCHMARKS / f"{name}.py").is_file()] == []

"""Each row of docs/reading.md, and each promise of CONTRIBUTING.md, names a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reading.md"
ROW = re.compile(r"^\|(?P<given>[^|]+)\|(?P<outcome>[^|]+)\|(?P<test>[^|]+)\|$", re.MULTILINE)
PROMISE = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<test>`tests/[^|]+`) \|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def _rows() -> list[re.Match[str]]:
    rows = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [row for row in rows if row["given"].strip() not in ("given", "---")]


def _promises() -> list[re.Match[str]]:
    return list(PROMISE.finditer((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))


def require_test(cell: str) -> None:
    """Fail unless a cell of a table names a test that exists."""
    named = NAMED.search(cell)
    assert named is not None, "write the test as `tests/room/test_file.py::test_name`"
    source = (ROOT / named[1]).read_text(encoding="utf-8")
    for part in named[2].split("::"):
        assert re.search(rf"^\s*(?:def|class) {part}\b", source, re.MULTILINE), part


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["given"].strip()[:60])
def test_each_row_names_a_test_that_exists(row: re.Match[str]) -> None:
    require_test(row["test"])


@pytest.mark.parametrize("row", _promises(), ids=lambda row: row["promise"][:60])
def test_each_promise_names_a_test_that_exists(row: re.Match[str]) -> None:
    require_test(row["test"])


def test_there_are_promises() -> None:
    assert len(_promises()) > 20


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["given"].strip()[:60])
def test_each_row_says_what_happens(row: re.Match[str]) -> None:
    assert row["outcome"].strip().split()[0].strip(":,.") in ("read", "noted", "refused")

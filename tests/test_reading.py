"""Each row of docs/reading.md names a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reading.md"
ROW = re.compile(r"^\|(?P<given>[^|]+)\|(?P<outcome>[^|]+)\|(?P<test>[^|]+)\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def _rows() -> list[re.Match[str]]:
    rows = ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [row for row in rows if row["given"].strip() not in ("given", "---")]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["given"].strip()[:60])
def test_each_row_names_a_test_that_exists(row: re.Match[str]) -> None:
    named = NAMED.search(row["test"])
    assert named is not None, "write the test as `tests/room/test_file.py::test_name`"
    source = (ROOT / named[1]).read_text(encoding="utf-8")
    for part in named[2].split("::"):
        assert re.search(rf"^\s*(?:def|class) {part}\b", source, re.MULTILINE), part


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["given"].strip()[:60])
def test_each_row_says_what_happens(row: re.Match[str]) -> None:
    assert row["outcome"].strip().split()[0].strip(":,.") in ("read", "noted", "refused")

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyinterp.cli.report import columns, kind_lines, say_written


def test_columns_line_up_and_wrap():
    assert columns(["kind", "n"], [["word", 1234], ["mixed", 5]]) == [
        "kind       n",
        "word   1,234",
        "mixed      5",
    ]
    long = columns(["a", "b"], [["x", "word " * 40]])
    assert all(len(line) <= 100 for line in long)
    assert long[2].startswith("   word")


def test_kinds_are_counted_with_what_they_hold():
    rows = [
        {"kind": "positional", "role": "previous-token"},
        {"kind": "semantic", "role": "induction"},
        {"kind": "semantic", "role": ""},
        {"kind": "semantic", "role": "induction"},
    ]
    assert kind_lines(rows, "heads", "role") == [
        "kind        heads  share  role",
        "semantic        3  75%    induction 2",
        "positional      1  25%    previous-token 1",
    ]


def test_files_in_inner_folders_are_only_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    say_written(tmp_path, [tmp_path / name for name in ("a.csv", "p/1.png", "p/q/2.png")])
    assert capsys.readouterr().err == f"wrote 3 files in {tmp_path}:\n  a.csv, p/ (2 files)\n"


def test_a_value_stays_on_the_line_of_its_count():
    rows = [{"kind": "word", "tag": f"LONG-TAG-{n % 7}"} for n in range(500)]
    first, *rest = kind_lines(rows, "neurons", "tag")[1:]
    assert rest
    assert re.search(r"LONG-TAG-\d 7\d,$", first)
    assert all(re.match(r" +LONG-TAG-\d 7\d", line) for line in rest)

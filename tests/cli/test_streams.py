from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyinterp.cli.report import print_json, print_lines
from tinyinterp.cli.streams import escape_what_cannot_be_encoded

HARD = "“Hi!” said Zoë. 😀 \ud83d \udce9"  # with halves of characters, as bad file names have


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_no_character_is_too_much_for_standard_output(
    monkeypatch: pytest.MonkeyPatch, encoding: str
):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    escape_what_cannot_be_encoded()
    print_lines([HARD])
    print_json({"text": HARD})
    sys.stdout.flush()
    line, _, rest = written.getvalue().decode(encoding).partition("\n")
    assert json.loads(rest) == {"text": HARD}
    assert json.loads(f'"{line}"') == HARD
    assert line.count("\\u") == {"ascii": 7, "latin-1": 6, "cp1252": 4, "utf-8": 2}[encoding]


def test_a_prompt_that_the_terminal_cannot_show_is_continued(ckpt: Path):
    words = ["generate", "“Hi” 😀", "--max-tokens", "2", "--ckpt", str(ckpt)]
    done = subprocess.run(
        [sys.executable, "-m", "tinyinterp", *words],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},  # a redirect on Windows
    )
    assert "“Hi” \\ud83d\\ude00" in done.stdout.decode("cp1252")
    assert done.stderr == b""

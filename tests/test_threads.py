"""Threads that wait must not spin: the words for it are in the environment before torch is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY", "OMP_WAIT_POLICY")
OURS = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "0"}
# What stands in the environment at the moment when torch is first looked for.
WATCH = """
import json, os, sys

class Watch:
    def find_spec(self, name, *_):
        if name == "torch":
            print(json.dumps({word: os.environ[word] for word in WORDS if word in os.environ}))
            sys.stdout.flush()
            os._exit(0)

sys.meta_path.insert(0, Watch())
"""
WAYS = {
    "python": "import tinyinterp; tinyinterp.load",
    "a module": "import tinyinterp.compiled",
    "the command": "import sys; sys.argv = ['tinyinterp', 'heads'];"
    "from tinyinterp.cli import main; main()",
    "python -m": "import runpy, sys; sys.argv = ['tinyinterp', 'neurons', '--layer', '0'];"
    "runpy.run_module('tinyinterp', run_name='__main__')",
    "train": "import runpy, sys; sys.argv = ['train', 'run', 'bundled'];"
    "runpy.run_module('train', run_name='__main__')",
    "tinyinterp train": "import sys; sys.argv = ['tinyinterp', 'train', 'run', 'bundled'];"
    "from tinyinterp.cli import main; main()",
}


def words_before_torch(way: str, **given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in WORDS}
    done = subprocess.run(
        [sys.executable, "-c", f"WORDS = {WORDS}{WATCH}{way}"],
        capture_output=True,
        text=True,
        check=True,
        env=kept | given,
        cwd=Path(__file__).parents[1],
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_sets_them_before_torch_is_imported(way: str):
    assert words_before_torch(WAYS[way]) == OURS


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ({"OMP_WAIT_POLICY": "active"}, {}),
        ({"GOMP_SPINCOUNT": "infinity"}, {"KMP_BLOCKTIME": "0"}),
        ({"KMP_BLOCKTIME": "200"}, {"GOMP_SPINCOUNT": "2000"}),
        ({"KMP_LIBRARY": "turnaround"}, {"GOMP_SPINCOUNT": "2000"}),
    ],
)
def test_what_the_user_chose_is_kept(given: dict[str, str], added: dict[str, str]):
    assert words_before_torch(WAYS["python"], **given) == given | added

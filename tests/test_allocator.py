"""Freed memory stays with the process: a second array of the same size takes no new pages."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

GNU = "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})
pytestmark = pytest.mark.skipif(not GNU, reason="another C library: nothing is set")
NAMES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
# Pages taken by making and freeing two arrays of 3 MiB twenty times, after the first two. From 4
# MiB on numpy asks for large pages, which would be few.
PAGES = """
import resource, sys
import numpy as np
{first}
def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for number in range(22):
    if number == 2:
        before = pages()
    first, second = np.ones(3 << 17), np.ones(3 << 17)
    del first, second
print(pages() - before)
"""
EACH = 2 * (3 << 20) // 4096  # pages of two arrays


def pages_taken(first: str, **given: str) -> int:
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", PAGES.format(first=first)],
        capture_output=True,
        text=True,
        check=True,
        env=kept | given,
    )
    return int(done.stdout)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, True),
        ({"MALLOC_MMAP_THRESHOLD_": "131072"}, False),
        ({"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=131072"}, False),
        ({"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=512"}, True),
    ],
)
def test_pages_are_taken_once_unless_the_user_says_otherwise(given: dict[str, str], *, kept: bool):
    taken = pages_taken("import tinyinterp", **given)
    assert taken < EACH if kept else taken > 10 * EACH


def test_without_it_they_are_taken_again():
    assert pages_taken("") > 10 * EACH  # else the test above could not fail

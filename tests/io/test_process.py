from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinyinterp.io import process
from tinyinterp.io.process import is_dead, mark

SAY_MARK = "from tinyinterp.io.process import mark; print(mark()); input()"


def test_a_process_is_dead_when_it_has_ended():
    other = subprocess.Popen(
        [sys.executable, "-c", SAY_MARK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    name = other.stdout.readline().strip()
    assert not is_dead(name)
    assert not is_dead(mark())
    other.kill()
    other.communicate()
    assert is_dead(name)


def test_a_number_that_was_given_out_again_is_another_process():
    number, started, place = mark().split("-")
    assert int(number) == os.getpid()
    if started == "0":
        # Only Linux has /proc; elsewhere the mark leaves the time out, and the test has no subject.
        pytest.skip("this system does not tell when a process started")
    assert is_dead(f"{number}-{int(started) - 1}-{place}")


@pytest.mark.parametrize("name", ["", "old", "12", "12-34", "12-34-zzzzzzzz", "-1-1-00000000"])
def test_what_is_no_mark_of_here_is_not_dead(name: str):
    assert not is_dead(name)


def test_processes_of_another_machine_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    number, started, place = mark().split("-")
    assert not is_dead(f"{number}-{int(started) + 1}-{int(place, 16) ^ 1:08x}")
    monkeypatch.setattr(process, "_lives", lambda _: False)
    assert is_dead(mark())
    assert not is_dead(f"{number}-{started}-{int(place, 16) ^ 1:08x}")

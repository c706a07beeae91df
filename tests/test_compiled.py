from __future__ import annotations

import os
import threading

import pytest
import torch

from tinyinterp.compiled import in_parts


@pytest.fixture(params=[1, 2, 5])
def threads(request, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: request.param)
    return request.param


@pytest.mark.parametrize(("n", "multiple"), [(1, 1), (2, 1), (7, 1), (13, 4), (64, 16)])
def test_parts_are_the_whole_in_multiples_and_no_more_than_threads(threads, n, multiple):
    done = []
    in_parts(lambda first, last: done.append((first, last)), n, multiple)
    assert len(done) <= threads
    assert sorted(i for part in done for i in range(*part)) == list(range(n))
    assert all(first % multiple == 0 for first, _ in done)


def test_a_mistake_in_any_part_is_raised_once_all_have_ended(threads):
    ended = []

    def work(first, last):
        ended.append(first)
        if last == 10:
            raise ValueError("the last part")

    for _ in range(2):  # the threads are as good as before
        ended.clear()
        with pytest.raises(ValueError, match="the last part"):
            in_parts(work, 10)
        assert len(ended) == min(threads, 10)


def test_threads_are_kept(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    seen = set()
    for _ in range(9):
        in_parts(lambda *_: seen.add(threading.get_ident()), 3)
    assert 1 <= len(seen) <= 3
    assert threading.get_ident() in seen


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    in_parts(lambda *_: None, 2)
    child = os.fork()
    if not child:  # pragma: no cover
        done = []
        in_parts(lambda first, _: done.append(first), 2)
        os._exit(len(done))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import IPython
import pytest

from tinyinterp.views.execution import Execution, current_execution
from tinyinterp.views.widgets.script import (
    Carrier,
    script_element,
)


def test_the_first_output_of_a_notebook_brings_the_script_and_no_other():
    carrier = Carrier()
    runs = [Execution("a", "1"), Execution("a", "1"), Execution("b", "2"), Execution("c", "3")]
    assert [carrier.must_bring(run) for run in runs] == [True, False, False, False]


def test_a_cell_that_brought_it_does_so_once_each_time_it_is_run():
    carrier = Carrier()
    runs = [Execution("a", "1"), Execution("b", "2"), Execution("a", "3"), Execution("a", "3")]
    assert [carrier.must_bring(run) for run in runs] == [True, False, True, False]


def test_once_the_cell_that_brought_it_is_deleted_another_does():
    carrier = Carrier()
    gone = frozenset({"a"})
    runs = [
        Execution("a", "1"),
        Execution("b", "2"),
        Execution("c", "3", gone),
        Execution("d", "4", gone),
    ]
    assert [carrier.must_bring(run) for run in runs] == [True, False, True, False]


def test_outside_of_a_notebook_it_comes_once():
    carrier = Carrier()
    assert [carrier.must_bring(Execution()) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("metadata", "cell"), [({"cellId": "c7", "deletedCells": ["c3"]}, "c7"), ({}, "1 + 1")]
)
def test_the_kernel_knows_what_it_runs(
    monkeypatch: pytest.MonkeyPatch, metadata: dict[str, Any], cell: str
):
    message = {"header": {"msg_id": "m5"}, "content": {"code": "1 + 1"}, "metadata": metadata}
    shell = SimpleNamespace(parent_header=message)
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    deleted = frozenset(metadata.get("deletedCells", ()))
    assert current_execution() == Execution(cell, "m5", deleted, "cellId" in metadata)


def test_without_a_kernel_nothing_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert current_execution() == Execution()


def test_the_script_ends_where_its_element_does():
    element = script_element()
    assert element.count("</script") == 1
    assert element.endswith("</script>")
    assert "sourceMappingURL" not in element

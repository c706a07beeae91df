"""The notebooks as they are stored; ``make test`` runs them."""

from __future__ import annotations

import copy
import json
import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tinyinterp.cli.tour import tour

NOTEBOOKS = tour()
TIDY = Path(__file__).parents[1] / ".ci" / "tidy_notebooks.py"
NAMES = (
    "01_first_look",
    "02_heads",
    "03_neurons",
    "04_train_your_own",
    "05_inside_a_story",
    "06_your_model",
    "07_account",
    "08_change_it",
)
ABSOLUTE = re.compile(r"""(?:["'(\s`=]|^)(?:/[a-z]\w*/|~/|[A-Z]:\\)""", re.MULTILINE)
MOST_LINES = 16  # of a cell that a reader is to take in at a glance


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def stored(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads(request.param.read_text("utf-8"))


def test_the_tour_is_whole_and_in_order():
    assert tuple(path.stem for path in NOTEBOOKS) == NAMES


def test_a_notebook_is_valid_and_for_any_python_kernel(stored: dict[str, Any]):
    nbformat.validate(stored)
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    assert stored["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_nothing_of_a_run_is_stored(stored: dict[str, Any]):
    for number, cell in enumerate(stored["cells"]):
        assert cell["id"] == f"cell-{number}"
        assert cell["metadata"] == {}
        assert cell.get("outputs", []) == [], "run make format"
        assert cell.get("execution_count") is None


def test_no_path_of_somebodys_machine(stored: dict[str, Any]):
    for cell in stored["cells"]:
        assert not ABSOLUTE.search("".join(cell["source"]))


def test_cells_are_short_and_each_follows_words(stored: dict[str, Any]):
    kinds = [cell["cell_type"] for cell in stored["cells"]]
    assert kinds[0] == kinds[-1] == "markdown"
    assert not re.search("code code code", " ".join(kinds))
    for cell in stored["cells"]:
        source = "".join(cell["source"])
        assert source.strip() == source != ""
        if cell["cell_type"] == "code":
            assert len(source.splitlines()) <= MOST_LINES, source


def test_a_notebook_asks_its_reader_to_try_something_and_names_the_next(
    stored: dict[str, Any], request: pytest.FixtureRequest
):
    text = "\n".join("".join(c["source"]) for c in stored["cells"] if c["cell_type"] == "markdown")
    assert "**Try:**" in text
    name = stored["cells"][0]["source"][0]
    assert name.startswith("# ")
    place = NAMES.index(request.node.callspec.id)
    assert place == len(NAMES) - 1 or f"Next: `{NAMES[place + 1]}`" in text


def test_tidying_gives_back_what_is_stored_from_what_was_run(stored: dict[str, Any]):
    ran = copy.deepcopy(stored)
    ran["metadata"]["language_info"]["version"] = "3.12.1"
    ran["cells"].append({"cell_type": "code", "source": []})
    for number, cell in enumerate(ran["cells"]):
        cell |= {"id": f"f00{number}", "metadata": {"trusted": True}}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": 7, "outputs": [{"output_type": "stream", "text": "x"}]}
    assert runpy.run_path(str(TIDY))["tidied"](ran) == stored


@pytest.mark.parametrize(
    "path", ["in /home/me/x", "open('/tmp/x/y')", "~/data", r"C:\data", "a /srv/x"]
)
def test_absolute_paths_are_known_when_seen(path: str):
    assert ABSOLUTE.search(path)


@pytest.mark.parametrize("text", ["a/b", "and/or", "gpt2/x y", "</script>", "https://a.b/c/d"])
def test_what_is_no_absolute_path(text: str):
    assert not ABSOLUTE.search(text)

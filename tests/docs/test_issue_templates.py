"""What somebody is asked for who reports something."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(path for path in FOLDER.glob("*.yml") if path.stem != "config")


def test_there_are_forms():
    assert [path.stem for path in FORMS] == ["bug", "idea", "number"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_whole_and_asks_for_the_version(path: Path):
    form = yaml.safe_load(path.read_text("utf-8"))
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    (asked,) = [field for field in form["body"] if field["id"] == "version"]
    assert asked["attributes"]["label"] == "tinyinterp --version"
    assert asked["validations"]["required"]

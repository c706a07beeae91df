"""What pyproject.toml requires is what the code imports, and an extra is imported late."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = ("tinyinterp", "train")
NOT_IMPORTED = {"circuitsvis", "textblob"}  # one file of each is read out of its wheel
BY_TORCH = {"tensorboard"}  # imported through torch.utils.tensorboard
MODULES = {"pillow": "PIL"}  # whose name is another than the package's


def names(requirements: list[str]) -> set[str]:
    """Of packages, without versions and markers; an extra of this project counts as its parts."""
    found: set[str] = set()
    for requirement in requirements:
        if inner := re.fullmatch(r"tinyinterp\[(.*)\]", requirement):
            for extra in inner[1].split(","):
                found |= names(PROJECT["optional-dependencies"][extra])
        else:
            name = re.split(r"[^\w-]", requirement)[0]
            found.add(MODULES.get(name, name))
    return found


CORE = names(PROJECT["dependencies"])
EXTRAS = names(PROJECT["optional-dependencies"]["all"])


def imports(node: ast.AST, *, late: bool = False) -> Iterator[tuple[str, bool]]:
    """Packages that a module imports, and whether it does so only inside a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name.partition(".")[0], late) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and not child.level:
            yield (child.module or "").partition(".")[0], late
        elif (
            isinstance(child, ast.Call)
            and ast.unparse(child.func) == "import_module"
            and isinstance(child.args[0], ast.Constant)
        ):
            yield str(child.args[0].value).partition(".")[0], late
        inside = late or isinstance(child, ast.FunctionDef)
        yield from imports(child, late=inside)


FOUND = {
    found
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    for found in imports(ast.parse(path.read_text("utf-8")))
    if found[0] not in {*sys.stdlib_module_names, *PACKAGES}
}


def test_what_is_imported_at_once_is_required():
    assert {name for name, late in FOUND if not late} <= CORE


def test_what_is_imported_late_is_required_or_an_extra():
    assert {name for name, _ in FOUND} <= CORE | EXTRAS


def test_nothing_is_asked_for_that_is_not_imported():
    assert {name for name, _ in FOUND} | NOT_IMPORTED | BY_TORCH == CORE | EXTRAS


def test_every_dependency_of_the_core_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.partition("\ndependencies = [")[2].partition("\n]")[0]
    lines = [line for line in block.splitlines() if line.strip().startswith('"')]
    assert len(lines) == len(PROJECT["dependencies"])
    assert [line for line in lines if not re.search(r'",\s+# .*\w', line)] == []


def test_all_brings_every_extra_but_the_developers_and_the_sites():
    extras = {"all", "dev", "docs"} ^ PROJECT["optional-dependencies"].keys()
    assert names([f"tinyinterp[{','.join(sorted(extras))}]"]) == EXTRAS
    assert names(PROJECT["optional-dependencies"]["dev"]) >= EXTRAS


def test_training_has_no_name_of_its_own_and_is_entered_through_one_door():
    training = re.compile(r"(?:from|import) (?:tinyinterp\.)?train\b|[\"']tinyinterp\.train\b")
    entered = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if training.search(path.read_text("utf-8"))
    }
    assert entered == {"tinyinterp/cli/train.py"}

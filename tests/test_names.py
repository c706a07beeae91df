"""Every name that a module uses is bound somewhere in it.

ruff would say so, but takes the shapes in annotations for names; pyright reads the packages alone.
"""

from __future__ import annotations

import ast
import builtins
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = ("tinyinterp", "train", "tests", "analyses", "docs", ".ci")
EVERYWHERE = {*dir(builtins), "__file__", "__name__"}


def unbound(source: str) -> set[str]:
    """Names that are read in a module and bound nowhere in it."""
    bound, read = set(EVERYWHERE), set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                bound |= {each.asname or each.name.partition(".")[0] for each in names}
    return read - bound


def test_every_name_is_bound():
    paths = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 600
    found = {str(path.relative_to(ROOT)): unbound(path.read_text("utf-8")) for path in paths}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_name_that_is_not_imported_is_found():
    assert unbound("import torch as t\nx: 'batch' = torch.zeros(1)\nprint(x, t)") == {"torch"}

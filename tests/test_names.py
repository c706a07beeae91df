"""No name is used that a file does not have, in the Python that no type checker reads.

Ruff's rule for that (F821) is off: it takes the axes of jaxtyping for names.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).parents[1]
FILES = [path for folder in ("analyses", "tests", ".ci") for path in (ROOT / folder).rglob("*.py")]
OF_EVERY_MODULE = {"__name__", "__file__", "__doc__", "__annotations__"}


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def lacking(source: str) -> set[str]:
    """Names that are read as those of the module, and that nothing in the file gives."""
    whole = compile(source, "file", "exec", dont_inherit=True)
    steps = [step for code in codes(whole) for step in dis.get_instructions(code)]
    given = {s.argval for s in steps if s.opname in ("STORE_NAME", "STORE_GLOBAL")}
    used = {s.argval for s in steps if s.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
    return used - given - OF_EVERY_MODULE - set(dir(builtins))


def test_every_name_is_there():
    found = {str(path.relative_to(ROOT)): lacking(path.read_text("utf-8")) for path in FILES}
    assert {name: names for name, names in found.items() if names} == {}


def test_a_missing_import_is_found():
    assert lacking("import json\ndef f():\n    return json, torch.tensor(len([]))\n") == {"torch"}

"""The locks name, of each dependency, the oldest and the newest release that is allowed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIRED = [Requirement(line) for line in PROJECT["dependencies"]]
LOCKS = {name: ROOT / ".ci" / "locks" / f"{name}.txt" for name in ("oldest", "newest")}
PINNED = re.compile(r"([\w.-]+)==(\S+)(?: ; .+)?")


def pinned(lock: Path) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for line in lock.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            match = PINNED.fullmatch(line)
            assert match, f"{lock.name}: {line!r} is no release"  # nor an address
            found[canonicalize_name(match[1])] = Version(match[2])
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_an_allowed_release_of_every_dependency(name: str):
    releases = pinned(LOCKS[name])
    for required in REQUIRED:
        release = releases.get(canonicalize_name(required.name))
        assert release in required.specifier if release else False, f"{required}: {release}"


def test_the_oldest_lock_has_the_lower_bounds():
    releases = pinned(LOCKS["oldest"])
    for required in REQUIRED:
        name = canonicalize_name(required.name)
        bounds = [Version(s.version) for s in required.specifier if s.operator == ">="]
        assert releases[name] in bounds, f"{required}: {releases[name]}"


def test_no_lock_brings_libraries_for_a_gpu():
    for lock in LOCKS.values():
        assert not [name for name in pinned(lock) if name.startswith(("nvidia", "cuda", "triton"))]

"""The root of the repository holds what somebody refers to, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOUND_BY_NAME = {".gitattributes", ".gitignore", ".pre-commit-config.yaml", "Makefile"}  # by tools
TEXT = {
    "",
    ".cfg",
    ".cff",
    ".html",
    ".in",
    ".ipynb",
    ".md",
    ".py",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}


def unreferenced(names: list[str], texts: dict[str, str]) -> list[str]:
    """Names of files in the root that stand in none of the other files of the repository."""
    return [
        name
        for name in names
        if name not in FOUND_BY_NAME
        and not any(
            re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w-])", text)
            for path, text in texts.items()
            if path != name
        )
    ]


def tracked() -> list[str]:
    """Paths of the files that git knows, or will know with the next commit."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        # A source distribution has no list of tracked files; a clone, as in CI, always has.
        pytest.skip("this is not a git repository")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, check=True
    )
    return [path for path in listed.stdout.decode().split("\0") if (ROOT / path).is_file()]


def test_somebody_refers_to_every_file_in_the_root():
    paths = tracked()
    texts = {
        path: (ROOT / path).read_text("utf-8", "replace")
        for path in paths
        if Path(path).suffix in TEXT and path != "tests/test_repository.py"
    }
    in_root = [path for path in paths if "/" not in path]
    assert "pyproject.toml" in in_root
    assert unreferenced(in_root, texts) == []


def test_a_file_that_nobody_refers_to_is_found():
    texts = {"README.md": "see LICENSE and docs/x.png", "x.png": "x.png", "LICENSE": "max.png"}
    assert unreferenced(["README.md", "LICENSE", "x.png"], texts) == ["README.md", "x.png"]
    assert unreferenced(["x.png"], {"README.md": "![a curve](x.png)"}) == []

"""What a person gave as a path, which may be anything, even a whole story."""

from __future__ import annotations

from pathlib import Path

LONGEST_SHOWN = 200  # characters


def expanded(given: str | Path) -> Path:
    """A path whose leading ``~`` or ``~user`` is the home folder, as a shell would read it.

    A shell expands ``--out ~/x`` but not ``--out=~/x``, and Python none. Where there is no such
    user the name is taken as it is, since files such as ``~draft.txt`` exist.
    """
    path = Path(given)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def is_file(path: Path) -> bool:
    """Whether a file is there; what is too long to be a path is not one."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; what is too long to be a path is not one."""
    try:
        return path.is_dir()
    except OSError:
        return False


def shown(path: str | Path) -> str:
    r"""A path for a message: on one line, and cut where it is longer than paths are.

    >>> shown("stories.txt"), shown("Once upon a\ntime " + 99 * "there was ")[:30]
    ('stories.txt', 'Once upon a time there was the')
    """
    line = " ".join(str(path).splitlines())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"

"""What a person gave as a path, which may be anything, even a whole story."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

LONGEST_SHOWN = 200  # characters
LONGEST_NAME = 255  # bytes of each part of a path, on every usual file system


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


def resolved(given: str | Path) -> Path:
    r"""A path by which two ways to one place are the same; what leads nowhere is itself.

    >>> resolved("a/../b") == resolved("b"), resolved("model\udc00").name == "model\udc00"
    (True, True)
    """
    path = expanded(given)
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, too long, or no file name
        return path.absolute()


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


def leads_out(name: str) -> bool:
    r"""Whether a name that a file gives is no path below a folder, on any system.

    >>> [leads_out(name) for name in ("a/b.txt", "../b.txt", "/b.txt", "a\\..\\b", "C:b", ".")]
    [False, True, True, True, True, True]
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)  # which knows both separators
    return bool(
        "\0" in name
        or windows.anchor
        or posix.anchor
        or ".." in windows.parts
        or not posix.parts
        or any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in posix.parts)
    )


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, also where its links lead."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # as in :func:`resolved`
        return False


def shown(path: str | Path) -> str:
    r"""A path for a message: on one line, and cut where it is longer than paths are.

    >>> shown("stories.txt"), shown("Once upon a\ntime " + 99 * "there was ")[:30]
    ('stories.txt', 'Once upon a time there was the')
    """
    line = " ".join(str(path).splitlines())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"

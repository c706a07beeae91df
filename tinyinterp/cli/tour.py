"""The notebooks of the guided tour: where they are, and copying them for the user to change."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinyinterp.errors import OutputError
from tinyinterp.io.files import make_folder, replacing_file

HERE = Path(__file__).parents[1]
FOLDERS = (HERE / "notebooks", HERE.parent / "notebooks")  # in a wheel; in the repository


@dataclass(frozen=True)
class Copied:
    """What :func:`copy_tour` did."""

    names: tuple[str, ...]  # of all notebooks of the tour, in order
    written: tuple[str, ...]
    kept: tuple[str, ...]  # were there and differ from the tour's; identical ones are in neither


def tour() -> list[Path]:
    """The notebooks, in the order in which they are read.

    Raises:
        OutputError: this installation has none.
    """
    for folder in FOLDERS:
        found = sorted(folder.glob("[0-9]*.ipynb"))
        if found:
            return found
    raise OutputError(
        f"this installation has no notebooks (looked in {FOLDERS[0]}); install tinyinterp again"
    )


def copy_tour(folder: Path) -> Copied:
    """Copy every notebook that is not there yet; nothing is overwritten.

    Raises:
        OutputError: ``folder`` cannot be written.
    """
    notebooks = tour()
    make_folder(folder)
    written, kept = [], []
    for source in notebooks:
        target = folder / source.name
        if not target.exists():
            with replacing_file(target) as temporary:
                shutil.copyfile(source, temporary)
            written.append(source.name)
        elif not target.is_file() or not filecmp.cmp(source, target, shallow=False):
            kept.append(source.name)
    return Copied(tuple(path.name for path in notebooks), tuple(written), tuple(kept))


def find_jupyterlab() -> Callable[[list[str]], None]:
    """A function that runs JupyterLab in this process with the given arguments until it ends.

    Raises:
        OutputError: JupyterLab cannot be imported.
    """
    try:
        from jupyterlab.labapp import LabApp
    except ImportError as error:
        raise OutputError(
            f"JupyterLab cannot be imported ({error}); install it with 'pip install jupyterlab', "
            f"or open the notebooks in {tour()[0].parent} with another program"
        ) from error
    return LabApp.launch_instance

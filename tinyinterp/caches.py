"""Where numba and matplotlib keep what they compile and gather.

They keep it in the home folder or beside the installed package. Where neither can be written, numba
refuses to import a single compiled loop and matplotlib complains; then both get a temporary folder,
which is deleted when the process ends. ``NUMBA_CACHE_DIR`` and ``MPLCONFIGDIR`` still come first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

COMPILED = ("tinyinterp", "dcor")  # packages with loops that numba compiles and keeps
NUMBA, MATPLOTLIB = "NUMBA_CACHE_DIR", "MPLCONFIGDIR"


def prepare_caches() -> None:
    """Name a temporary folder in the environment for whichever of the two has none to write to.

    Call it before either is imported.
    """
    if all(_can_be_made(folder) for folder in _home_folders()):
        return
    missing = [name for name in (NUMBA, MATPLOTLIB) if name not in os.environ]
    if NUMBA in missing and all(_can_be_made(folder) for folder in _beside_packages()):
        missing.remove(NUMBA)
    if not missing:
        return
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="tinyinterp-cache."))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in missing:
        os.environ[name] = str(folder / name.lower())


def user_cache() -> Path:
    """The folder of this program among the user's caches; it may not exist yet."""
    return next(iter(_home_folders())) / "tinyinterp"


def _home_folders() -> Iterable[Path]:
    """The folders that programs of this system keep caches and settings in."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # Path.home() raises where there is none
    if sys.platform == "darwin":
        return (home / "Library" / "Caches", home / ".matplotlib")
    if sys.platform == "win32":
        return (Path(os.environ.get("LOCALAPPDATA") or home), home / ".matplotlib")
    cache, config = os.environ.get("XDG_CACHE_HOME"), os.environ.get("XDG_CONFIG_HOME")
    return (Path(cache or home / ".cache"), Path(config or home / ".config"))


def _beside_packages() -> Iterable[Path]:
    for package in COMPILED:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent / "__pycache__"


def _can_be_made(folder: Path) -> bool:
    """Whether files can be written in ``folder``, which may not exist yet."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False

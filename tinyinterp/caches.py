"""Where numba and matplotlib keep what they compile and gather.

They keep it in the home folder or beside the installed package. Where neither can be written, numba
refuses to import a single compiled loop and matplotlib complains; then both get a folder among the
temporary files, which later runs of the same user find again, or one that is deleted when the
process ends. ``NUMBA_CACHE_DIR`` and ``MPLCONFIGDIR`` still come first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

NUMBA, MATPLOTLIB = "NUMBA_CACHE_DIR", "MPLCONFIGDIR"


def prepare_caches() -> None:
    """Name a temporary folder in the environment for whichever of the two has none to write to.

    Call it before either is imported.
    """
    if all(_can_be_made(folder) for folder in _home_folders()):
        return
    missing = [name for name in (NUMBA, MATPLOTLIB) if name not in os.environ]
    if NUMBA in missing and _can_be_made(_beside_package()):
        missing.remove(NUMBA)
    if not missing:
        return
    folder = _kept_temporary() or _passing_temporary()
    for name in missing:
        os.environ[name] = str(folder / name.lower())


def _kept_temporary() -> Path | None:
    """A folder that this user's later runs find again; None unless it is certainly ours alone.

    The temporary folder is everybody's, and what numba keeps is run as it stands.
    """
    import stat
    import tempfile

    if sys.platform == "win32":
        return None
    folder = Path(tempfile.gettempdir()) / f"tinyinterp-cache-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not found.st_mode & 0o077 else None


def _passing_temporary() -> Path:
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="tinyinterp-cache."))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def _beside_package() -> Path:
    """Where numba keeps what it compiled of this package, first of all."""
    return Path(__file__).parent / "__pycache__"


def _can_be_made(folder: Path) -> bool:
    """Whether files can be written in ``folder``, which may not exist yet."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return False

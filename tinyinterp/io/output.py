"""The folder that a command writes to: checked before the work, filled after it.

A folder is *ours* if it holds the manifest that the last run left there, which lists the files of
every run. In a folder of ours a run replaces the files of the run before it under the same name;
all others stay. A folder that holds something and no manifest is somebody else's and is refused.
One process at a time has the folder; of several that compute together rank 0 alone writes.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyinterp.errors import OutputError
from tinyinterp.io.described import read_described
from tinyinterp.io.files import make_folder, write_text
from tinyinterp.io.lock import PREFIX, lock_folder
from tinyinterp.io.paths import expanded, is_inside, leads_out
from tinyinterp.io.scratch import scratch_folder
from tinyinterp.processes import writes

MANIFEST = "tinyinterp.json"


@dataclass(frozen=True)
class _Run:
    about: str
    files: list[str]


@dataclass(frozen=True)
class _Manifest:
    runs: Mapping[str, _Run]


class OutputFolder:
    """A folder that may be written, or an error before any work is done.

    A folder that does not exist is made, with its parents. No other process can have it while this
    object lives.

    Args:
        folder: where the files are to lie; a leading ``~`` is the home folder.

    Raises:
        OutputError: it is a file, may not be written, is in use, or holds what is not ours.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder = expanded(folder)
        self.written: list[Path] = []  # by the last block of :meth:`filling`
        if not writes():
            return
        try:
            entries = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        except OSError as error:
            raise OutputError(f"cannot read {folder}: {error.strerror or error}") from error
        self._read_runs()
        foreign = sorted(name for name in entries if not name.startswith(PREFIX))
        if foreign and MANIFEST not in entries:
            raise OutputError(
                f"{folder} is not empty and was not written by tinyinterp (it holds {foreign[0]}); "
                "choose another folder with --out, or empty this one"
            )
        make_folder(folder)
        self._lock = lock_folder(folder)

    @contextmanager
    def filling(self, run: str, about: str) -> Iterator[Path]:
        """Give a temporary folder to fill; when the block ends well, its files come into place.

        The manifest is written just before they do, so that a run that is killed between two files
        leaves a folder that is still known as ours.

        Args:
            run: what is done, by name; files of an earlier run of this name that are not written
                again are deleted.
            about: what it is done on, for the manifest.

        Raises:
            OutputError: a file cannot be written, or one of that name is there and not ours.
        """
        if not writes():
            yield scratch_folder()
            return
        try:
            with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self.folder) as name:
                stage = Path(name)
                yield stage
                names = sorted(
                    path.relative_to(stage).as_posix()
                    for path in stage.rglob("*")
                    if path.is_file()
                )
                runs = self._read_runs()  # as they are by now
                self._refuse_foreign(names, runs)
                before = runs.pop(run, _Run("", []))
                for other in runs.values():
                    other.files[:] = [file for file in other.files if file not in names]
                runs[run] = _Run(about, names)
                self._write_manifest(runs)
                for file in names:
                    make_folder((self.folder / file).parent)
                    (stage / file).replace(self.folder / file)
                for file in set(before.files) - set(names):
                    (self.folder / file).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from error
        self.written = [self.folder / file for file in names]

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a temporary folder; it lies inside, so that the next run deletes what a kill left.

        Raises:
            OutputError: it cannot be made.
        """
        if not writes():
            yield scratch_folder()
            return
        try:
            folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=self.folder)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from error
        with folder as name:
            yield Path(name)

    def _refuse_foreign(self, names: list[str], runs: dict[str, _Run]) -> None:
        ours = {file for run in runs.values() for file in run.files}
        for name in names:
            path = self.folder / name
            if not is_inside(path.parent, self.folder):
                raise OutputError(
                    f"{path.parent} is a link that leads out of {self.folder}; nothing was "
                    "replaced: remove the link, or choose another folder with --out"
                )
            if name not in ours and path.exists():
                raise OutputError(
                    f"{path} exists and was not written by tinyinterp; nothing was replaced: move "
                    "it away, or choose another folder with --out"
                )

    def _write_manifest(self, runs: dict[str, _Run]) -> None:
        content = {
            "note": "what tinyinterp wrote here, and may replace",
            "runs": {name: asdict(run) for name, run in sorted(runs.items())},
        }
        write_text(self.folder / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def _read_runs(self) -> dict[str, _Run]:
        """What the manifest says; a folder without one has no runs.

        Raises:
            OutputError: it is none of ours, or names what is not in the folder.
        """
        path = self.folder / MANIFEST
        try:
            if not path.is_symlink() and not path.exists():
                return {}
            runs = dict(read_described(_Manifest, path, OutputError).runs)
        except (OSError, OutputError) as error:
            raise OutputError(
                f"{path} is not a manifest of tinyinterp ({error}); choose another folder with "
                "--out"
            ) from error
        for file in (file for run in runs.values() for file in run.files):
            ours = file == MANIFEST or file.startswith(PREFIX)  # never a result
            if ours or leads_out(file) or not is_inside((self.folder / file).parent, self.folder):
                raise OutputError(
                    f"{path} names {file!r:.200}, which is not in this folder; tinyinterp wrote no "
                    "such name and touches nothing: choose another folder with --out"
                )
        return runs

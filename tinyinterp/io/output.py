"""The folder that a command writes to: checked before the work, filled after it.

A folder is *ours* if it holds the manifest that the last run left there, which lists the files of
every run. In a folder of ours a run replaces the files of the run before it under the same name;
all others stay. A folder that holds something and no manifest is somebody else's and is refused.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tinyinterp.errors import OutputError
from tinyinterp.io.files import make_folder, write_text

MANIFEST = "tinyinterp.json"
STAGE = ".tinyinterp."  # our temporary folders; a run that was killed may leave one


@dataclass(frozen=True)
class _Run:
    about: str
    files: list[str]


class OutputFolder:
    """A folder that may be written, or an error before any work is done.

    A folder that does not exist is made, with its parents.

    Args:
        folder: where the files are to lie.

    Raises:
        OutputError: it is a file, may not be written, or holds what is not ours.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[Path] = []  # by the last block of :meth:`filling`
        try:
            entries = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        except OSError as error:
            raise OutputError(f"cannot read {folder}: {error.strerror or error}") from error
        self._runs = self._read_manifest() if MANIFEST in entries else {}
        foreign = sorted(name for name in entries if not name.startswith(STAGE))
        if foreign and MANIFEST not in entries:
            raise OutputError(
                f"{folder} is not empty and was not written by tinyinterp (it holds {foreign[0]}); "
                "choose another folder with --out, or empty this one"
            )
        make_folder(folder)

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
        try:
            with tempfile.TemporaryDirectory(prefix=STAGE, dir=self.folder) as name:
                stage = Path(name)
                yield stage
                names = sorted(
                    path.relative_to(stage).as_posix()
                    for path in stage.rglob("*")
                    if path.is_file()
                )
                self._refuse_foreign(names)
                before = self._runs.pop(run, _Run("", []))
                for other in self._runs.values():
                    other.files[:] = [file for file in other.files if file not in names]
                self._runs[run] = _Run(about, names)
                self._write_manifest()
                for file in names:
                    make_folder((self.folder / file).parent)
                    (stage / file).replace(self.folder / file)
                for file in set(before.files) - set(names):
                    (self.folder / file).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from error
        self.written = [self.folder / file for file in names]

    def _refuse_foreign(self, names: list[str]) -> None:
        ours = {file for run in self._runs.values() for file in run.files}
        for name in names:
            if name not in ours and (self.folder / name).exists():
                raise OutputError(
                    f"{self.folder / name} exists and was not written by tinyinterp; nothing was "
                    "replaced: move it away, or choose another folder with --out"
                )

    def _write_manifest(self) -> None:
        runs = {name: asdict(run) for name, run in sorted(self._runs.items())}
        content = {"note": "what tinyinterp wrote here, and may replace", "runs": runs}
        write_text(self.folder / MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def _read_manifest(self) -> dict[str, _Run]:
        path = self.folder / MANIFEST
        try:
            runs = json.loads(path.read_text("utf-8"))["runs"]
            return {name: _Run(str(run["about"]), list(run["files"])) for name, run in runs.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OutputError(
                f"{path} is not a manifest of tinyinterp; choose another folder with --out"
            ) from error

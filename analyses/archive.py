"""One file of trained models, to carry them from the machine that trained them.

It holds what the studies read: ``models.json`` and, of each model, its checkpoint and the log of
its training; snapshots only where a study follows them. Optimizer states stay behind, so a model
that is not finished cannot go on elsewhere. It is unpacked into an empty folder, since
``models.json`` would replace that of another:

    tar -xf studies.tar -C runs/studies
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinyinterp.io.files import replacing_file

RECORDS = "models.json"
SNAPSHOTS = "snapshots"


def write_archive(
    target: Path, runs: Path, models: Sequence[str], *, followed: Sequence[str] = ()
) -> None:
    """Write the archive, whole or not at all.

    Args:
        target: the tar file; not compressed, since weights hardly are.
        runs: the folder of :mod:`analyses.train_models`.
        models: that are finished.
        followed: those whose snapshots are taken along.

    Raises:
        OutputError: ``target`` cannot be written.
    """
    with replacing_file(target) as temporary, tarfile.open(temporary, "w") as archive:
        for path in _paths(runs, models, followed):
            archive.add(path, path.relative_to(runs).as_posix(), recursive=False)


def _paths(runs: Path, models: Sequence[str], followed: Sequence[str]) -> Iterator[Path]:
    if (runs / RECORDS).exists():
        yield runs / RECORDS
    for name in models:
        within = sorted((runs / name).iterdir())
        yield from (path for path in within if path.is_file() and not path.name.startswith("."))
        if name in followed:
            yield from (path for path in sorted((runs / name / SNAPSHOTS).rglob("*")))

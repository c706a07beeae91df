"""Where a checkpoint is: the bundled model, a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from tinyinterp.checkpoint.folder import bundled_folder
from tinyinterp.checkpoint.others import about_file
from tinyinterp.errors import CheckpointError
from tinyinterp.io import hub
from tinyinterp.io.paths import expanded, is_file, is_folder, shown

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def find(ckpt: str | Path | None) -> Path:
    """The folder that ``ckpt`` means.

    Args:
        ckpt: None for the bundled model, an existing folder (also a model's in the hub's cache,
            ``models--gpt2``), or a name on the hub (``gpt2``,
            ``roneneldan/TinyStories-33M``), which is downloaded once and then cached. A ``Path``,
            and what starts with ``.``, ``~`` or ``/`` or has two slashes, is never a name.

    Raises:
        CheckpointError: no such folder, no such model on the hub, no network and nothing cached,
            or a model that exists as a pickle only.
    """
    if ckpt is None:
        return bundled_folder()
    given = str(ckpt)
    path = expanded(given)
    if given and is_folder(path):
        return hub.cached_snapshot(path)
    if is_file(path):
        raise CheckpointError(about_file(path))
    if isinstance(ckpt, Path) or given.startswith((".", "~")) or not HUB_NAME.fullmatch(given):
        raise CheckpointError(
            f"there is no folder {shown(given)!r}; expected a checkpoint folder, or a name on the "
            "Hugging Face hub such as gpt2 or roneneldan/TinyStories-33M, not a text"
        )
    return hub.download(given)


def name_of(ckpt: str | Path, folder: Path) -> str:
    """How a model is called: its hub name, also where its folder in the hub's cache was given.

    Args:
        ckpt: what :func:`find` was given.
        folder: what it found.
    """
    if not is_folder(expanded(ckpt)):
        return str(ckpt)
    return hub.name_in_cache(folder) or folder.resolve().name

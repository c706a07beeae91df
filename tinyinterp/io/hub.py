"""Fetching a checkpoint from the Hugging Face hub, once; afterwards it comes from its cache.

Only configuration, safetensors and tokenizer files are fetched. Older repositories hold a pickle
and nothing else; for most of them the hub's own converter has opened a pull request with the same
weights as safetensors, and that revision is taken, under the conditions ``transformers`` sets too.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from tinyinterp.errors import CheckpointError

WANTED = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
    "added_tokens.json",
    "generation_config.json",
    "training.json",
    "adapter_config.json",  # says that the rest is no whole model
)
IN_CACHE = "models--"  # how the cache calls the folder of a model, with -- for /
UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
CONVERTER = "SFconvertbot"  # the hub's own account; anybody else's weights are not to be trusted
STEP = re.compile(r"step(\d+)")  # a revision that holds a snapshot of training
CONVERSION_TITLE = "Adding `safetensors` variant of this model"


def fetch_errors() -> tuple[type[Exception], ...]:
    """What the hub's library raises where something cannot be fetched.

    Its own error derives from ``OSError`` and from the error of its HTTP library, which changes
    between releases; a malformed name is a ``ValueError``.
    """
    from huggingface_hub.errors import HfHubHTTPError

    return (*HfHubHTTPError.__bases__, ValueError)


def download(name: str) -> Path:
    """The folder of a model that the hub has under this name.

    Raises:
        CheckpointError: no such model, no network and nothing cached, or a pickle only.
    """
    try:
        folder = _snapshot(name, None)
        if any(folder.glob("*.safetensors")) or (folder / "adapter_config.json").is_file():
            return folder
        revision = _conversion(name, folder)
        if revision is not None:
            return _snapshot(name, revision)
    except fetch_errors() as error:
        raise CheckpointError(
            f"there is no folder {name!r}, and the model {name!r} could not be fetched from the "
            f"Hugging Face hub ({_reason(error)}); check the name and the network, or give a folder"
        ) from None  # its own traceback is hundreds of lines of HTTP, and _reason says its first
    raise CheckpointError(
        f"{name} has no safetensors weights on the hub, and no conversion by {CONVERTER} was "
        "found; a pickle is never opened: convert the model to safetensors and give its folder"
    )


def _snapshot(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    wanted: list[str] = list(WANTED)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
    # A cache that cannot be written: what it holds is enough, and no news can be kept.
    return Path(
        snapshot_download(name, revision=revision, allow_patterns=wanted, local_files_only=True)
    )


def cached_snapshot(folder: Path) -> Path:
    """The snapshot to read in a model's folder of the hub's cache; any other folder is itself.

    The main branch's is taken, or the converter's pull request where only that has safetensors.

    Raises:
        CheckpointError: the folder has no snapshot of its main branch.
    """
    snapshots = folder / "snapshots"
    if not folder.resolve().name.startswith(IN_CACHE) or not snapshots.is_dir():
        return folder
    references = folder / "refs"
    requests = sorted((references / "refs" / "pr").glob("*"), key=os.path.getmtime, reverse=True)
    found = [
        snapshots / reference.read_text("ascii").strip()
        for reference in (references / "main", *requests)
        if reference.is_file()
    ]
    if not (references / "main").is_file():  # fetched by its commit alone
        found += snapshots.iterdir()
        if len(found) > 1:
            raise CheckpointError(
                f"{folder} holds {len(found)} snapshots and no refs/main; give one of them, such "
                f"as {found[0]}"
            )
    found = [snapshot for snapshot in found if snapshot.is_dir()]
    if not found:
        raise CheckpointError(
            f"{folder} in the hub's cache holds no complete snapshot; fetch the model again"
        )
    return next((one for one in found if any(one.glob("*.safetensors"))), found[0])


def name_in_cache(folder: Path) -> str | None:
    """The hub name of a model whose snapshot in the hub's cache this is; None for other folders.

    >>> name_in_cache(Path("/hub/models--roneneldan--TinyStories-33M/snapshots/0123abcd"))
    'roneneldan/TinyStories-33M'
    """
    snapshots = folder.resolve().parent
    model = snapshots.parent.name
    if snapshots.name != "snapshots" or not model.startswith(IN_CACHE):
        return None
    return model.removeprefix(IN_CACHE).replace("--", "/")


def _conversion(name: str, folder: Path) -> str | None:
    """Revision of the converter's open pull request on top of the newest commit, None without one.

    ``folder`` is the cached snapshot of ``name``; offline, what was cached beside it counts.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        newest = api.list_repo_commits(name)[0].commit_id
        for request in api.get_repo_discussions(
            name, author=CONVERTER, discussion_type="pull_request", discussion_status="open"
        ):
            # The author is checked again here, so that nothing rests on how the hub filters.
            if request.author != CONVERTER or request.title != CONVERSION_TITLE:
                continue
            revision = f"refs/pr/{request.num}"
            commits = api.list_repo_commits(name, revision=revision)
            if len(commits) > 1 and commits[1].commit_id == newest:
                return revision
    except fetch_errors():  # offline, a pull request that was downloaded before is taken
        cached = (folder.parent.parent / "refs" / "refs" / "pr").glob("*")
        references = sorted(cached, key=os.path.getmtime)
        return f"refs/pr/{references[-1].name}" if references else None
    return None


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def training_steps(name: str) -> list[int]:
    """The steps of training of which the hub has a revision: Pythia's ``step1000`` and the like.

    Offline, those that were fetched before.

    Raises:
        CheckpointError: the hub has no such model.
    """
    from huggingface_hub import HfApi, constants

    try:
        names = [branch.name for branch in HfApi().list_repo_refs(name).branches]
    except fetch_errors() as error:
        folder = Path(constants.HF_HUB_CACHE) / f"models--{name.replace('/', '--')}" / "refs"
        names = [path.name for path in folder.glob("step*")]
        if not names:
            raise CheckpointError(
                f"the revisions of {name!r} could not be listed from the Hugging Face hub "
                f"({_reason(error)}); check the name and the network"
            ) from error
    return sorted(int(match[1]) for each in names if (match := STEP.fullmatch(each)))


def download_step(name: str, step: int) -> Path:
    """The folder of a model at a step of its training, see :func:`training_steps`.

    Raises:
        CheckpointError: it cannot be fetched, or is a pickle only.
    """
    revision = f"step{step}"
    try:
        folder = _snapshot(name, revision)
    except fetch_errors() as error:
        raise CheckpointError(
            f"revision {revision} of {name!r} could not be fetched from the Hugging Face hub "
            f"({_reason(error)}); check the network"
        ) from error
    if any(folder.glob("*.safetensors")):
        return folder
    raise CheckpointError(
        f"revision {revision} of {name} has no safetensors weights; a pickle is never opened: "
        "convert the snapshots to safetensors, and put each into the folder snapshots/step-N of "
        "the model's"
    )

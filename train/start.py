"""What must hold before a run may start: one process, and a folder that holds nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from tinyinterp.checkpoint import WEIGHTS
from tinyinterp.errors import TrainingError
from train import resume

# What lies in the folder of a run beside its checkpoint and its state.
LOG, BEST, SNAPSHOTS, PICTURE = "log.jsonl", "best", "snapshots", "loss.png"


def refuse_several_processes() -> None:
    """Each would train the whole model and write over what the others wrote.

    Raises:
        TrainingError: the process was started as one of several, as torchrun does.
    """
    world = os.environ.get("WORLD_SIZE", "1")
    if world.isdecimal() and int(world) > 1:
        raise TrainingError(
            f"WORLD_SIZE is {world}: training over several processes comes with a later version; "
            "run without torchrun"
        )


def refuse_foreign(run: Path) -> None:
    """Let a folder without a state be begun anew only if nothing in it can be lost.

    It may hold what a run leaves that was killed before its first save, or in the midst of it.

    Raises:
        TrainingError: the folder holds anything else.
    """
    names = {path.name for path in run.iterdir()} if run.is_dir() else set[str]()
    if WEIGHTS in names:
        raise TrainingError(
            f"{run} holds a checkpoint but nothing to resume from; choose another --out"
        )
    left = {LOG, BEST, SNAPSHOTS, PICTURE}
    foreign = sorted(n for n in names - left if not n.startswith(f".{resume.FOLDER}."))
    if foreign:
        raise TrainingError(
            f"{run} is not empty and holds no run to resume (it holds {foreign[0]}); "
            "choose another --out, or empty this one"
        )

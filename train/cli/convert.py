"""``import-nanogpt``: another trainer's checkpoint as one of ours."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Gelu(StrEnum):
    """The two forms that nanoGPT has used."""

    gelu = "gelu"
    gelu_new = "gelu_new"


def import_nanogpt(
    ckpt: Annotated[Path, typer.Argument(metavar="CKPT", help="nanoGPT's ckpt.pt.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the new checkpoint.")],
    tokenizer: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|NAME",
            help="Whose tokenizer the model was trained with; nanoGPT stores none.",
        ),
    ] = "gpt2",
    activation: Annotated[
        Gelu, typer.Option(help="gelu_new for early versions of nanoGPT, which had it.")
    ] = Gelu.gelu,
) -> None:
    """Convert a checkpoint of nanoGPT, which is opened as weights alone: no code in it runs."""
    from tinyinterp.io.paths import expanded
    from tinyinterp.io.progress import say

    from ..reports.imported import import_checkpoint

    imported = import_checkpoint(
        expanded(ckpt), expanded(out), tokenizer=tokenizer, activation=activation.value
    )
    say(f"step {imported.iterations:,} of {ckpt}; look at it with: tinyinterp info --ckpt {out}")
    typer.echo(out)

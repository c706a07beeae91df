"""``prepare`` and ``examples``: from stories to token files, and stories to try it on."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinyinterp.cli.options import SeparatedBy, Separator

from .options import Json


class Rest(StrEnum):
    """How text is encoded that needs tokens which a reduced vocabulary has lost."""

    pieces = "pieces"
    unknown = "unknown"


def prepare(
    out: Annotated[Path, typer.Option(help="Folder for the token files.")],
    text: Annotated[
        Path | None,
        typer.Option(
            help="Stories: plain text, JSON, JSON Lines, CSV or Parquet, or a folder of them."
        ),
    ] = None,
    separator: Separator = SeparatedBy.AUTO,
    dataset: Annotated[str | None, typer.Option(help="A data set on the hub.")] = None,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "train",
    bpe: Annotated[
        int | None, typer.Option(help="Train a byte-level BPE with this many tokens.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="Use the tokenizer of this model folder.")
    ] = None,
    reduce: Annotated[
        Path | None, typer.Option(help="Cut the tokenizer of this model folder to --keep tokens.")
    ] = None,
    keep: Annotated[int | None, typer.Option(help="Tokens to keep, with --reduce.")] = None,
    rest: Annotated[
        Rest | None,
        typer.Option(
            help="With --reduce: split the removed tokens into kept pieces (the default), or map "
            "them all to one unknown token."
        ),
    ] = None,
    holdout: Annotated[
        int, typer.Option(help="Hold out one story in this many for evaluation; 0 for none.")
    ] = 64,
    no_clean: Annotated[
        bool, typer.Option("--no-clean", help="Leave mojibake and control characters.")
    ] = False,
    instruct: Annotated[
        bool,
        typer.Option(
            "--instruct",
            help="Each story follows an instruction, as in TinyStoriesInstruct.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn stories into token files.

    The tokenizer is trained on them (--bpe), taken as it is (--tokenizer) or cut down (--reduce).
    """
    _exactly_one(text=text, dataset=dataset)
    _exactly_one(bpe=bpe, tokenizer=tokenizer, reduce=reduce)
    if reduce is None and (keep is not None or rest is not None):
        raise typer.BadParameter("--keep and --rest go with --reduce")

    from ..data import prepare as preparing

    if bpe is not None:
        choose = preparing.trained(bpe)
    elif tokenizer is not None:
        choose = preparing.opened(tokenizer)
    elif reduce is not None and keep is not None:
        choose = preparing.reduced(reduce, keep, (rest or Rest.pieces).value)
    else:
        raise typer.BadParameter("--reduce needs --keep")
    source = preparing.Source(
        text, dataset, split, cleaned=not no_clean, instruct=instruct, separator=separator.value
    )
    prepared = preparing.prepare(source, choose, out, holdout=holdout)
    typer.echo(json.dumps(prepared.as_dict()) if as_json else prepared.as_text())


def examples(
    out: Annotated[Path, typer.Option(help="Text file, for prepare --instruct.")],
    count: Annotated[int, typer.Option(min=1, help="Number of examples.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
) -> None:
    """Write stories with instructions, made from templates, to try instruct training on."""
    from ..data.examples import write_examples

    write_examples(count, seed, out)
    typer.echo(out)


def _exactly_one(**options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            f"give exactly one of {', '.join(f'--{name}' for name in options)}"
        )

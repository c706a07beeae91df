"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, cast

import typer


class SeparatedBy(StrEnum):
    """What is between the stories of a plain text."""

    AUTO = "auto"
    MARKS = "marks"
    LINES = "lines"
    BLANK_LINES = "blank-lines"
    NONE = "none"


class Tags(StrEnum):
    """Sets of part-of-speech tags."""

    UNIVERSAL = "universal"
    PENN = "penn"


class Start(StrEnum):
    """What is put in front of a story."""

    NONE = "none"
    BOS = "bos"
    EOS = "eos"


Ckpt = Annotated[
    str | None,
    typer.Option(
        "--ckpt",
        metavar="FOLDER|NAME",
        help="Checkpoint folder or Hugging Face hub name; the bundled model if left out.",
    ),
]
TokenizerFolder = Annotated[
    Path | None,
    typer.Option(
        "--tokenizer",
        metavar="DIR",
        help="Folder of the model's tokenizer, where the checkpoint holds none or another.",
    ),
]
StartToken = Annotated[
    Start | None,
    typer.Option(
        "--start",
        help="What to put in front of a story: the token that begins a text, the one that ends it, "
        "or nothing; as the tokenizer's configuration says if left out.",
    ),
]
TextFile = Annotated[
    Path | None,
    typer.Option(
        "--text",
        metavar="FILE",
        help="Stories: plain text, JSON, JSON Lines, CSV or Parquet, compressed or not, a folder "
        "of them, or - for standard input; the bundled stories if left out.",
    ),
]
Separator = Annotated[
    SeparatedBy,
    typer.Option(
        "--separator",
        help="What is between the stories of a plain text: marks such as <|endoftext|>, line ends, "
        "blank lines, or none if the text is one story. auto decides by its beginning.",
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="Stories of a data set on the Hugging Face hub, such as roneneldan/TinyStories.",
    ),
]
Split = Annotated[str, typer.Option(help="Split of the data set that --dataset names.")]
KeepBlankLines = Annotated[
    bool,
    typer.Option(
        "--keep-blank-lines",
        help="Keep blank lines between paragraphs. Without it, a model whose training text had "
        "none, such as the bundled one, reads them as single line breaks.",
    ),
]
WhichTags = Annotated[Tags, typer.Option("--tags", help="Set of part-of-speech tags.")]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda|cuda:N|mps",
        help="Where to compute; auto takes CUDA where there is any, else MPS, else the CPU.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random draws.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Tokens = Annotated[
    int | None, typer.Option("--tokens", min=1, metavar="N", help="Read this many tokens.")
]
AccountFolder = Annotated[
    Path | None,
    typer.Option(
        "--account",
        metavar="DIR",
        help="Folder of an account of this model, to say what every head and neuron needs; make "
        "one with tinyinterp account.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for what is written.")]
Pictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="Draw pictures.")]
Full = Annotated[bool, typer.Option("--full", help="Read the whole text.")]


def start_choice(start: Start | None) -> Literal["none", "bos", "eos"] | None:
    """What ``load`` takes for a ``--start``."""
    return None if start is None else cast("Literal['none', 'bos', 'eos']", start.value)


def check_one_text(text: Path | None, dataset: str | None) -> None:
    """Refuse two texts at once.

    Raises:
        typer.BadParameter: both were given.
    """
    if text is not None and dataset is not None:
        raise typer.BadParameter("give one of them, not both", param_hint="--text / --dataset")


def token_limit(tokens: int | None, *, full: bool, default: int | None) -> int | None:
    """How many tokens to read; None for all.

    Raises:
        typer.BadParameter: a number and the whole text were asked for.
    """
    if full and tokens is not None:
        raise typer.BadParameter("give one of them, not both", param_hint="--tokens / --full")
    return None if full else tokens or default

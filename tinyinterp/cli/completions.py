"""Completions of the beginnings of stories, which several evaluations start from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyinterp.evaluation.openings import Completion
    from tinyinterp.model import CompressorModel, Model
    from tinyinterp.network.sampling import Sampling
    from tinyinterp.text.separators import Separator
    from tinyinterp.text.start import Start

Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--ckpt",
        metavar="FOLDER|NAME",
        help="Checkpoint folder or Hugging Face hub name; may be repeated, to compare models. The "
        "bundled model if left out.",
    ),
]
Shares = Annotated[
    list[str] | None,
    typer.Option(
        "--share",
        metavar="SHARE",
        help="Share of a story's words that the prompt has, such as 0.4 (as the text of the "
        "TinyStories student report says) or third (as its code does); may be repeated.  "
        "[default: 0.4]",
    ),
]
StoryCount = Annotated[
    int, typer.Option("--stories", min=1, metavar="N", help="Stories to complete, from the first.")
]
CompletionsFile = Annotated[
    Path | None,
    typer.Option(
        "--completions",
        metavar="FILE",
        help="Completions that were written before (completions.jsonl), in place of models.",
    ),
]
Temperature = Annotated[
    float,
    typer.Option(help="0 is greedy, as in the report; 1 is the model's own distribution."),
]
TopK = Annotated[int | None, typer.Option(help="Draw from the k most likely tokens only.")]
TopP = Annotated[
    float | None,
    typer.Option(help="Draw from the most likely tokens that together reach this probability."),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        min=1, help="Tokens of a completion, at most; up to the end of the context if left out."
    ),
]


@dataclass(frozen=True)
class Asked:
    """What is to be completed, and how."""

    ckpt: Sequence[str] | None
    tokenizer: Path | None
    start: Start | None
    device: str
    text: Path | None
    dataset: str | None
    split: str
    separator: Separator
    keep_blank_lines: bool
    shares: Sequence[str]
    stories: int
    sampling: Sampling


def check_source(completions: Path | None, ckpt: Sequence[str] | None) -> None:
    """Refuse models beside completions that were written before.

    Raises:
        typer.BadParameter: both were given.
    """
    if completions is not None and ckpt:
        raise typer.BadParameter("give one of them, not both", param_hint="--completions / --ckpt")


def complete_stories(asked: Asked) -> list[Completion]:
    """Open the models and let each complete the same beginnings of stories.

    Stories that hold an instruction (TinyStoriesInstruct) are completed from the instruction,
    whatever the share.

    Raises:
        CheckpointError: a model cannot be read.
        CorpusError: the text cannot be read, or no story fits.
        SelectionError: a share is none.
    """
    from tinyinterp.evaluation.openings import parse_share
    from tinyinterp.evaluation.story_completions import complete_beginnings
    from tinyinterp.model import load_any

    for share in asked.shares:
        parse_share(share)
    given = list(asked.ckpt or [None])
    models = [
        load_any(each, tokenizer=asked.tokenizer, start=asked.start, device=asked.device)
        for each in given
    ]
    streams = [
        model.stories(
            asked.text,
            dataset=asked.dataset,
            split=asked.split,
            separator=asked.separator,
            keep_blank_lines=asked.keep_blank_lines,
        ).read()
        for model in models
    ]
    named = list(zip(distinct_names(models, given), models, strict=True))
    return complete_beginnings(named, streams, asked.shares, asked.stories, asked.sampling)


def distinct_names(
    models: Sequence[Model | CompressorModel], given: Sequence[str | None]
) -> list[str]:
    """What each model is called; those whose names are the same by what was given for them."""
    times = Counter(model.name for model in models)
    return [
        model.name if times[model.name] == 1 or name is None else name
        for model, name in zip(models, given, strict=True)
    ]

"""Completions of the beginnings of stories, which several evaluations start from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.report import say

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
    from tinyinterp.evaluation.completions import complete
    from tinyinterp.evaluation.openings import Completion, choose_stories, openings, parse_share
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load_any

    for share in asked.shares:
        parse_share(share)
    given = list(asked.ckpt or [None])
    models = [load_any(each, tokenizer=asked.tokenizer, start=asked.start) for each in given]
    names = distinct_names(models, given)
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
    numbers, chosen, passed = choose_stories(models, streams, asked.stories)
    if passed:
        say(f"note: {passed:,} stories were passed over: too short, or longer than the context")
    if len(numbers) < asked.stories:
        say(f"note: the text has {len(numbers):,} such stories, not {asked.stories:,}")
    done: list[Completion] = []
    for model, name, stories in zip(models, names, chosen, strict=True):
        cuts = {  # an instruction is the same for every share
            (opening.share, number): opening
            for share in asked.shares
            for number, opening in zip(numbers, openings(stories, share), strict=True)
        }
        with progress(f"completing stories, {name}", len(cuts)) as bar:
            prompts = [opening.prompt for opening in cuts.values()]
            written = complete(model, prompts, asked.sampling, report=bar)
        done += [
            Completion(name, share, number, opening.prompt, texts[0], opening.rest)
            for ((share, number), opening), texts in zip(cuts.items(), written, strict=True)
        ]
    return done


def distinct_names(
    models: Sequence[Model | CompressorModel], given: Sequence[str | None]
) -> list[str]:
    """What each model is called; those whose names are the same by what was given for them."""
    times = Counter(model.name for model in models)
    return [
        model.name if times[model.name] == 1 or name is None else name
        for model, name in zip(models, given, strict=True)
    ]

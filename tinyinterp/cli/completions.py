"""Completions of the beginnings of stories, which several evaluations start from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.given import GivenStories
from tinyinterp.cli.options import Device, Seed, StartToken, TokenizerFolder, start_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyinterp.evaluation.openings import Completion
    from tinyinterp.model import AnyModel

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


@dataclass(frozen=True, kw_only=True)
class CompletionOptions(GivenStories):
    """What is completed, by whom and how; or completions that were written before."""

    ckpt: Checkpoints = None
    tokenizer: TokenizerFolder = None
    start: StartToken = None
    device: Device = "cpu"
    share: Shares = None
    stories: StoryCount = 100
    completions: CompletionsFile = None
    temperature: Temperature = 0.0
    top_k: TopK = None
    top_p: TopP = None
    max_tokens: MaxTokens = None
    seed: Seed = 0

    def check(self) -> None:
        """Refuse two sources at once.

        Raises:
            typer.BadParameter: two texts were given, or models beside completions.
        """
        super().check()
        if self.completions is not None and self.ckpt:
            raise typer.BadParameter(
                "give one of them, not both", param_hint="--completions / --ckpt"
            )

    def made(self) -> list[Completion]:
        """Read the completions, or open the models and let each complete the same beginnings.

        Stories that hold an instruction (TinyStoriesInstruct) are completed from the instruction,
        whatever the share.

        Raises:
            CheckpointError: a model cannot be read.
            CorpusError: the text or the completions cannot be read, or no story fits.
            SelectionError: a share is none.
        """
        from tinyinterp.evaluation.openings import parse_share, read_completions
        from tinyinterp.evaluation.story_completions import complete_beginnings
        from tinyinterp.model import load_any
        from tinyinterp.network.sampling import Sampling

        if self.completions is not None:
            return read_completions(self.completions)
        sampling = Sampling(self.temperature, self.top_k, self.top_p, self.seed, self.max_tokens)
        shares = self.share or ["0.4"]
        for share in shares:
            parse_share(share)
        given, start = list(self.ckpt or [None]), start_choice(self.start)
        models = [
            load_any(each, tokenizer=self.tokenizer, start=start, device=self.device)
            for each in given
        ]
        streams = [self.read_by(model).read() for model in models]
        named = list(zip(distinct_names(models, given), models, strict=True))
        return complete_beginnings(named, streams, shares, self.stories, sampling)


def distinct_names(models: Sequence[AnyModel], given: Sequence[str | None]) -> list[str]:
    """What each model is called; those whose names are the same by what was given for them."""
    times = Counter(model.name for model in models)
    return [
        model.name if times[model.name] == 1 or name is None else name
        for model, name in zip(models, given, strict=True)
    ]

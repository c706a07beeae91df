"""``tinyinterp evaluate rouge``: how much completions repeat originals, each other, training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.completions import (
    Asked,
    Checkpoints,
    CompletionsFile,
    MaxTokens,
    Shares,
    StoryCount,
    Temperature,
    TopK,
    TopP,
    check_source,
    complete_stories,
)
from tinyinterp.cli.options import (
    Dataset,
    Device,
    Json,
    KeepBlankLines,
    Out,
    Pictures,
    Seed,
    SeparatedBy,
    Separator,
    Split,
    StartToken,
    TextFile,
    TokenizerFolder,
    check_one_text,
    start_choice,
)
from tinyinterp.cli.report import columns, print_json, print_lines, say_written
from tinyinterp.cli.tables import as_json

if TYPE_CHECKING:
    from tinyinterp.evaluation.openings import Completion
    from tinyinterp.io.table import Table

SHOWN = {
    "original_precision": "original, precision",
    "continuation_precision": "rest of it, precision",
    "chance_precision": "another's rest, precision",
    "self_f": "other completions, F",
    "self_continuation_f": "without prompts, F",
    "train_f": "training stories, F",
    "train_continuation_f": "without prompts, F",
    "repeated_4grams": "repeated 4-grams",
    "distinct_1_in_all": "distinct-1",
    "distinct_2_in_all": "distinct-2",
    "distinct_3_in_all": "distinct-3",
    "words": "words written",
}


def rouge(
    *,
    ckpt: Checkpoints = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    device: Device = "cpu",
    text: TextFile = None,
    dataset: Dataset = None,
    split: Split = "validation",
    separator: Separator = SeparatedBy.AUTO,
    keep_blank_lines: KeepBlankLines = False,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Training stories to look for the most similar one in: any text that --text "
            "takes, of any size.",
        ),
    ] = None,
    share: Shares = None,
    stories: StoryCount = 100,
    completions: CompletionsFile = None,
    temperature: Temperature = 0.0,
    top_k: TopK = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    stem: Annotated[bool, typer.Option("--stem/--no-stem", help="Stem words, by Porter.")] = True,
    out: Out = Path("tinyinterp-out/rouge"),
    pictures: Pictures = True,
    as_one_json: Json = False,
) -> None:
    """Measure how much completions repeat: their originals, each other, a training set.

    Each model completes the beginnings of the same stories. ROUGE-2 compares the completions with
    the original stories, with each other and, with --against, with every story of a training set.
    Repeated 4-grams and distinct-n say how much a completion repeats itself. Means come with 95 %
    intervals over stories. See docs/evaluation.md.
    """
    check_one_text(text, dataset)
    check_source(completions, ckpt)
    from tinyinterp.io.output import OutputFolder

    output = OutputFolder(out)
    if completions is not None:
        from tinyinterp.evaluation.openings import read_completions

        done = read_completions(completions)
    else:
        from tinyinterp.network.sampling import Sampling

        asked = Asked(
            ckpt=ckpt,
            tokenizer=tokenizer,
            start=start_choice(start),
            device=device,
            text=text,
            dataset=dataset,
            split=split,
            separator=separator.value,
            keep_blank_lines=keep_blank_lines,
            shares=share or ["0.4"],
            stories=stories,
            sampling=Sampling(temperature, top_k, top_p, seed, max_tokens),
        )
        done = complete_stories(asked)
    means, of_stories = _measure(done, against, stem=stem, seed=seed)
    about = ", ".join(dict.fromkeys(each.model for each in done))
    with output.filling("rouge", about) as folder:
        _write(folder, done, means, of_stories, pictures=pictures, title=f"ROUGE-2, {about}")
    if as_one_json:
        print_json(as_json(means, output))
        return
    from tinyinterp.views.story_measures import measure_blocks

    for number, (header, rows) in enumerate(measure_blocks(list(means), SHOWN)):
        print_lines([""] * (number > 0) + columns(header, rows))
    say_written(output.folder, output.written)


def _measure(
    done: list[Completion], against: Path | None, *, stem: bool, seed: int
) -> tuple[Table, Table]:
    from tinyinterp.evaluation.measure_rouge import measure_rouge
    from tinyinterp.io.progress import progress
    from tinyinterp.text.stories import read_stories, size_of_stories

    if against is None:
        return measure_rouge(done, stem=stem, seed=seed)
    with progress("looking through the training set", size_of_stories(against)) as bar:
        return measure_rouge(
            done, train=lambda: read_stories(against), stem=stem, seed=seed, report=bar
        )


def _write(
    folder: Path,
    done: list[Completion],
    means: Table,
    of_stories: Table,
    *,
    pictures: bool,
    title: str,
) -> None:
    from tinyinterp.evaluation.openings import write_completions

    means.write(folder)
    of_stories.write(folder)
    write_completions(folder / "completions.jsonl", done)
    if pictures:
        from tinyinterp.views import style
        from tinyinterp.views.rouge_plot import draw_rouge

        figure = draw_rouge(of_stories, means, title)
        for suffix in (".png", ".svg"):
            style.save(figure, folder / f"rouge{suffix}")

"""``tinyinterp evaluate proxies``: what can be measured of completions without a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    Json,
    KeepBlankLines,
    Out,
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
from tinyinterp.cli.tables import as_json, say_warnings

SHOWN = {
    "bits_per_byte": "bits per byte",
    "unknown_words": "unknown words",
    "names_kept": "names of the prompt",
    "hero_named": "hero named again",
    "unclosed_quotations": "unclosed quotations",
    "repeated_4grams": "repeated 4-grams",
    "words": "words written",
}


def proxies(
    *,
    ckpt: Checkpoints = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
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
            help="Stories that say which words exist, such as the training set; the bundled "
            "stories if left out.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            metavar="FOLDER|NAME",
            help="Model whose bits per byte are measured; the bundled one if left out.",
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
    out: Out = Path("tinyinterp-out/proxies"),
    as_one_json: Json = False,
) -> None:
    """Measure what can be had without a judge: proxies, which are no scores of quality.

    Bits per byte of each completion under a fixed reference model, words that no training story
    has, whether names stay the same, quotations that never end, and repetition. The original
    stories stand beside the models. See docs/evaluation.md for what each proxy misses.
    """
    check_one_text(text, dataset)
    check_source(completions, ckpt)
    from tinyinterp.evaluation.proxies import measure_proxies
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load
    from tinyinterp.text.source import open_stories

    output = OutputFolder(out)
    reader = load(reference)
    train = open_stories(against)
    train.check()
    if completions is not None:
        from tinyinterp.evaluation.openings import read_completions

        done = read_completions(completions)
    else:
        from tinyinterp.network.sampling import Sampling

        asked = Asked(
            ckpt=ckpt,
            tokenizer=tokenizer,
            start=start_choice(start),
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
    with progress("measuring proxies", 2 * len(done)) as bar:
        means, of_stories = measure_proxies(done, reader, train.read(), seed=seed, report=bar)
    about = ", ".join(dict.fromkeys(each.model for each in done))
    with output.filling("proxies", about) as folder:
        means.write(folder)
        of_stories.write(folder)
    say_warnings(means)
    if as_one_json:
        print_json(as_json(means, output))
        return
    from tinyinterp.views.story_measures import measure_blocks

    for number, (header, rows) in enumerate(measure_blocks(list(means), SHOWN)):
        print_lines([""] * (number > 0) + columns(header, rows))
    say_written(output.folder, output.written)

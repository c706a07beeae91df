"""``tinyinterp evaluate proxies``: what can be measured of completions without a judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tinyinterp.cli.completions import CompletionOptions
from tinyinterp.cli.options import Json, Out
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
    source: CompletionOptions,
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
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            help="Scores that readers or a judge gave these models: a CSV with the columns model "
            "and one for each score. Says whether the proxies rank four models or more alike.",
        ),
    ] = None,
    out: Out = Path("tinyinterp-out/proxies"),
    as_one_json: Json = False,
) -> None:
    """Measure what can be had without a judge: proxies, which are no scores of quality.

    Bits per byte of each completion under a fixed reference model, words that no training story
    has, whether names stay the same, quotations that never end, and repetition. The original
    stories stand beside the models. See docs/evaluation.md for what each proxy misses.
    """
    source.check()
    from tinyinterp.evaluation.agreement import agreement_table, read_scores
    from tinyinterp.evaluation.proxies import measure_proxies
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load
    from tinyinterp.text.source import open_stories

    known = read_scores(scores) if scores is not None else {}
    output = OutputFolder(out)
    reader = load(reference, device=source.device)
    train = open_stories(against)
    train.check()
    done = source.made()
    with progress("measuring proxies", 2 * len(done)) as bar:
        means, of_stories = measure_proxies(
            done, reader, train.read(), seed=source.seed, report=bar
        )
    names = list(dict.fromkeys(each.model for each in done))
    check_scored(known, names)
    agreement = agreement_table(means, known, source.seed)
    about = ", ".join(names)
    with output.filling("proxies", about) as folder:
        means.write(folder)
        of_stories.write(folder)
        if scores is not None:
            agreement.write(folder)
    say_warnings(means)
    if as_one_json:
        more = {"agreement": list(agreement)} if scores is not None else {}
        print_json(as_json(means, output) | more)
        return
    from tinyinterp.views.story_measures import measure_blocks

    for number, (header, rows) in enumerate(measure_blocks(list(means), SHOWN)):
        print_lines([""] * (number > 0) + columns(header, rows))
    if scores is not None:
        print_lines(["", *agreement_lines(list(agreement))])
    say_written(output.folder, output.written)


def check_scored(scores: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> None:
    """Say which of the scored models were not measured, as far as any were.

    Raises:
        SelectionError: none was.
    """
    from tinyinterp.errors import SelectionError
    from tinyinterp.io.progress import say

    scored = sorted({model for values in scores.values() for model in values})
    absent = [model for model in scored if model not in names]
    if scored and len(absent) == len(scored):
        raise SelectionError(
            f"the scores are of {', '.join(absent[:5])}; none of them was measured, which are "
            f"{', '.join(names[:5])}: name models alike"
        )
    if absent:
        say(f"note: scored but not measured: {', '.join(absent)}")


def agreement_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """How far each proxy ranks the models as each score does, the strongest first."""
    if not rows:
        return ["too few models to rank: scores of four or more are needed"]
    header = ["proxy", "share", "score", "Spearman", "q", "models"]
    ranked = sorted(rows, key=lambda row: -abs(row["rho"]))
    return columns(
        header,
        [
            [
                SHOWN.get(row["measure"], row["measure"]),
                row["share"],
                row["score"],
                f"{row['rho']:.2f}",
                f"{row['q_value']:.3f}",
                row["models"],
            ]
            for row in ranked
        ],
    )

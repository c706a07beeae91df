"""``tinyinterp evaluate instruct``: whether stories do what their instructions ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.evaluate_prompts import Ckpts, unused
from tinyinterp.cli.options import Device, Json, Seed, StartToken, TokenizerFolder, start_choice
from tinyinterp.cli.report import columns, print_json, print_lines, say, say_written, shown_interval

if TYPE_CHECKING:
    from tinyinterp.io.table import Table

DEFAULT_EXAMPLES = 100


def instruct(
    *,
    examples: Annotated[
        Path,
        typer.Option(
            "--examples", metavar="FILE", help="Instructions in the format of TinyStoriesInstruct."
        ),
    ],
    ckpt: Ckpts = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    device: Device = "cpu",
    most: Annotated[
        int, typer.Option("--most", min=2, help="Examples to use, from the beginning of the file.")
    ] = DEFAULT_EXAMPLES,
    seed: Seed = 0,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", min=1, help="Tokens of a story; all that fit if left out."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the tables.")] = None,
    as_json: Json = False,
) -> None:
    """How far a model follows instructions: required words, dialogue, sentence, summary.

    Checked without a judge: other features are named as not checked, and the words shared with the
    summary are only a proxy. Beside each figure stand the same check against stories that the model
    wrote to other instructions (shuffled), and against the stories of the data (original).
    """
    from dataclasses import replace

    from tinyinterp.evaluation.instructions import SAMPLING, follow_instructions, read_examples
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from tinyinterp.io.table import Table
    from tinyinterp.model import load_any
    from tinyinterp.text.source import open_stories

    asked = read_examples(open_stories(examples).read(), most)
    output = None if out is None else OutputFolder(out)
    settings = replace(SAMPLING, seed=seed, max_tokens=max_tokens)
    found, names = [], set[str]()
    for each in ckpt or [None]:
        model = load_any(each, tokenizer=tokenizer, start=start_choice(start), device=device)
        name = unused(model.name, names)
        names.add(name)
        with progress(f"writing to instructions: {name}", len(asked)) as bar:
            found.append(follow_instructions(model, asked, settings, name=name, report=bar))
    models = {key: mark for f in found for key, mark in f.measures.notes["models"].items()}
    notes: dict[str, Any] = found[0].measures.notes | {"models": models, "text": examples.name}
    measures = Table("instruct", [row for f in found for row in f.measures], notes=notes)
    stories = Table("instruct_examples", [row for f in found for row in f.examples], notes=notes)
    if output is not None:
        with output.filling("instruct", f"{', '.join(sorted(names))}; {examples.name}") as folder:
            for table in (measures, stories):
                table.write(folder)
    if as_json:
        print_json({"instruct": list(measures), "notes": notes})
        return
    print_lines(_lines(measures))
    if notes["cannot_be_checked"]:
        say(f"cannot be checked: {', '.join(notes['cannot_be_checked'])}")
    if output is not None:
        say_written(output.folder, output.written)


def _lines(measures: Table) -> list[str]:
    def shown(row: dict[str, Any], column: str, low: str, high: str) -> str:
        if not row["examples"]:
            return ""
        return f"{row[column]:.2f} ({shown_interval(row, low, high)})"

    rows = [
        [
            row["model"],
            row["measure"].replace("_", " "),
            row["examples"],
            shown(row, "value", "low", "high"),
            shown(row, "shuffled", "shuffled_low", "shuffled_high"),
            shown(row, "original", "original_low", "original_high"),
        ]
        for row in measures
    ]
    header = ["model", "share of", "examples", "value (95 %)", "shuffled", "original"]
    return columns(header, rows)

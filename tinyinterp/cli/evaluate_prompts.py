"""``tinyinterp evaluate prompts``: facts, reasoning and context tracking, scored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.options import Device, Json, Seed, StartToken, TokenizerFolder, start_choice
from tinyinterp.cli.report import columns, print_json, print_lines, say, say_written, shown_interval

if TYPE_CHECKING:
    from tinyinterp.evaluation.prompts import PromptAnswers

Ckpts = Annotated[
    list[str] | None,
    typer.Option(
        "--ckpt",
        metavar="FOLDER|NAME",
        help="Checkpoint folder or Hugging Face hub name; give it again for models side by side. "
        "The bundled model if left out.",
    ),
]


def prompts(
    *,
    ckpt: Ckpts = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    device: Device = "cpu",
    file: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FILE",
            help="JSON Lines with the fields id, category, prompt, right and wrong; the 78 prompts "
            "of the package if left out.",
        ),
    ] = None,
    seed: Seed = 0,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="Tokens of a completion, at most.")
    ] = 20,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for tables, page and picture.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Whether a model continues prompts rightly: facts, reasoning, context tracking.

    Each prompt has right and wrong continuations; it counts as answered where a right one is the
    most probable as a whole. Completions, greedy and sampled, are written beside it.
    """
    from dataclasses import replace

    from tinyinterp.evaluation.prompt_sets import read_prompts
    from tinyinterp.evaluation.prompts import SAMPLING, answer_prompts, side_by_side
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load_any

    asked = read_prompts(file)
    output = None if out is None else OutputFolder(out)
    settings = replace(SAMPLING, seed=seed, max_tokens=max_tokens)
    answers, names = [], set[str]()
    for each in ckpt or [None]:
        model = load_any(each, tokenizer=tokenizer, start=start_choice(start), device=device)
        name = unused(model.name, names)
        names.add(name)
        with progress(f"completing prompts: {name}", 2 * len(asked)) as bar:
            answers.append(answer_prompts(model, asked, settings, name=name, report=bar))
    found = side_by_side(answers)
    if output is not None:
        about = f"{', '.join(sorted(names))}; {file.name if file else 'prompts of the package'}"
        with output.filling("prompts", about) as folder:
            _write(found, folder)
    if as_json:
        rows = {table.name: list(table) for table in (found.accuracy, found.prompts)}
        print_json(rows | {"notes": found.prompts.notes})
        return
    print_lines(_lines(found))
    if output is None:
        say("--out FOLDER writes every prompt with its completions")
    else:
        say_written(output.folder, output.written)


def unused(name: str, used: set[str]) -> str:
    """``name``, numbered if a model of that name was there before."""
    numbered, number = name, 1
    while numbered in used:
        number += 1
        numbered = f"{name} ({number})"
    return numbered


def _write(found: PromptAnswers, folder: Path) -> None:
    from tinyinterp.io.files import write_text
    from tinyinterp.views import style
    from tinyinterp.views.prompt_answers import draw_accuracy, write_page

    for table in found.tables:
        table.write(folder)
    write_text(folder / "prompts.md", write_page(found.prompts, found.accuracy))
    style.save(draw_accuracy(found.accuracy, "Prompts answered"), folder / "prompts.png")


def _lines(found: PromptAnswers) -> list[str]:
    rows = [
        [
            row["model"],
            row["category"],
            row["prompts"],
            f"{row['accuracy']:.0%}",
            f"{row['low']:.0%} to {row['high']:.0%}",
            f"{row['chance']:.0%}",
            f"{row['p_right']:.3f}",
            shown_interval(row, "p_right_low", "p_right_high", ".3f"),
        ]
        for row in found.accuracy
    ]
    header = ["model", "category", "prompts", "answered", "95 %", "chance", "p(right)", "95 %"]
    return columns(header, rows)

"""``tinyinterp evaluate``: figures that say how good a model is."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.command import Program
from tinyinterp.cli.evaluate_instruct import instruct
from tinyinterp.cli.evaluate_judge import judge
from tinyinterp.cli.evaluate_prompts import prompts
from tinyinterp.cli.evaluate_proxies import proxies
from tinyinterp.cli.evaluate_rouge import rouge
from tinyinterp.cli.given import GivenModel, GivenStories
from tinyinterp.cli.options import Json
from tinyinterp.cli.report import columns, print_json, print_lines, say, shown_interval
from tinyinterp.cli.tables import say_if_trained_on

if TYPE_CHECKING:
    from tinyinterp.io.table import Table


class LossBy(StrEnum):
    """What a loss is divided by."""

    POSITION = "position"
    TAG = "tag"


evaluate = Program(help="How good a model is.")
for command in (prompts, rouge, judge, proxies, instruct):
    evaluate.command()(command)


@evaluate.callback()
def _group() -> None:
    """How good a model is."""


@evaluate.command()
def loss(
    *,
    given: GivenModel,
    text: GivenStories,
    by: Annotated[
        LossBy | None,
        typer.Option("--by", help="Also a table by position in the story or by part of speech."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Loss on a text: nats per token, and bits per byte, which compares between tokenizers.

    Each story is read on its own and each token is scored once. Bytes are those of the stories as
    the model reads them.
    """
    text.check()
    from tinyinterp.evaluation.loss import measure_text_loss
    from tinyinterp.io.progress import progress
    from tinyinterp.text.source import bundled_stories
    from tinyinterp.text.stories import size_of_stories

    model = given.load_any()
    stories = text.read_by(model)
    total = None if text.dataset else size_of_stories(text.text or bundled_stories())
    with progress("measuring the loss", total) as bar:
        result = measure_text_loss(model.network, model.tokenizer, stories.read(), bar)
    table = None
    if by is not None:
        from tinyinterp.evaluation.loss_parts import measure_loss_by

        with progress(f"measuring the loss by {by.value}", total) as bar:
            table = measure_loss_by(model, stories.read(), by.value, report=bar)
    name = stories.name if text.dataset is None else f"{text.dataset} ({text.split})"
    if text.text is None and text.dataset is None:
        say(
            "note: these stories are the bundled model's own samples, which flatters its loss; "
            "give others with --text"
        )
    say_if_trained_on(model, name)
    if as_json:
        about = {"text": name, "blank_lines": stories.blank_lines}
        parts = {} if table is None else {table.name: json.loads(table.to_json())["rows"]}
        print_json(asdict(result) | about | {"fingerprint": model.fingerprint} | parts)
        return
    rows = [
        ["bits per byte", f"{result.bits_per_byte:.4f}"],
        ["nats per token", f"{result.nats_per_token:.4f}"],
        ["perplexity", f"{result.perplexity:.3f}"],
        ["tokens", f"{result.tokens:,}"],
        ["bytes", f"{result.bytes:,}"],
        ["stories", f"{result.stories:,}"],
    ]
    print_lines(columns([model.name, name], rows))
    if table is not None:
        print_lines(["", *_part_lines(table)])


def _part_lines(table: Table) -> list[str]:
    """A line for each position bin or tag."""
    rows = [
        [
            str(row[table.columns[0]]),
            row["tokens"],
            f"{row['share']:.1%}",
            f"{row['nats_per_token']:.3f}",
            shown_interval(row, "low", "high", ".3f"),
        ]
        for row in table
    ]
    return columns([table.columns[0], "tokens", "share", "nats per token", "95 %"], rows)

"""``tinyinterp evaluate``: figures that say how good a model is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tinyinterp.cli.command import Program
from tinyinterp.cli.evaluate_judge import judge
from tinyinterp.cli.evaluate_proxies import proxies
from tinyinterp.cli.evaluate_rouge import rouge
from tinyinterp.cli.options import (
    Ckpt,
    Dataset,
    Json,
    KeepBlankLines,
    SeparatedBy,
    Separator,
    StartToken,
    TextFile,
    TokenizerFolder,
    check_one_text,
    start_choice,
)
from tinyinterp.cli.report import columns, print_json, print_lines, say

evaluate = Program(help="How good a model is.")


@evaluate.callback()
def _group() -> None:
    """How good a model is."""


evaluate.command()(rouge)
evaluate.command()(judge)
evaluate.command()(proxies)


@evaluate.command()
def loss(
    *,
    ckpt: Ckpt = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    text: TextFile = None,
    dataset: Dataset = None,
    split: Annotated[str, typer.Option(help="Of the data set.")] = "validation",
    separator: Separator = SeparatedBy.AUTO,
    keep_blank_lines: KeepBlankLines = False,
    as_json: Json = False,
) -> None:
    """Loss on a text: nats per token, and bits per byte, which compares between tokenizers.

    Each story is read on its own and each token is scored once. Bytes are those of the stories as
    the model reads them.
    """
    check_one_text(text, dataset)
    from tinyinterp.evaluation.loss import measure_text_loss
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load_any
    from tinyinterp.text.source import bundled_stories
    from tinyinterp.text.stories import size_of_stories

    model = load_any(ckpt, tokenizer=tokenizer, start=start_choice(start))
    stories = model.stories(
        text,
        dataset=dataset,
        split=split,
        separator=separator.value,
        keep_blank_lines=keep_blank_lines,
    )
    total = None if dataset else size_of_stories(text or bundled_stories())
    with progress("measuring the loss", total) as bar:
        result = measure_text_loss(model.network, model.tokenizer, stories.read(), bar)
    name = stories.name if dataset is None else f"{dataset} ({split})"
    if text is None and dataset is None:
        say(
            "note: these stories are the bundled model's own samples, which flatters its loss; "
            "give others with --text"
        )
    if as_json:
        about = {"text": name, "blank_lines": stories.blank_lines}
        print_json(asdict(result) | about | {"fingerprint": model.fingerprint})
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

"""``tinyinterp evaluate``: figures that say how good a model is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tinyinterp.cli.options import (
    Ckpt,
    Dataset,
    Json,
    KeepBlankLines,
    StartToken,
    TextFile,
    TokenizerFolder,
    check_one_text,
    start_choice,
)
from tinyinterp.cli.report import columns, print_json, print_lines, say

evaluate = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="How good a model is.")


@evaluate.callback()
def _group() -> None:
    """How good a model is."""


@evaluate.command()
def loss(
    *,
    ckpt: Ckpt = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    text: TextFile = None,
    dataset: Dataset = None,
    split: Annotated[str, typer.Option(help="Of the data set.")] = "validation",
    keep_blank_lines: KeepBlankLines = False,
    as_json: Json = False,
) -> None:
    """Loss on a text: nats per token, and bits per byte, which compares between tokenizers.

    Each story is read on its own and each token is scored once. Bytes are those of the stories as
    the model reads them.
    """
    check_one_text(text, dataset)
    from tinyinterp.evaluation.loss import measure_text_loss
    from tinyinterp.io.paths import is_file
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load_any
    from tinyinterp.text.source import bundled_stories

    model = load_any(ckpt, tokenizer=tokenizer, start=start_choice(start))
    stories = model.stories(text, dataset=dataset, split=split, keep_blank_lines=keep_blank_lines)
    path = text or bundled_stories()
    total = path.stat().st_size if dataset is None and is_file(path) else None
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

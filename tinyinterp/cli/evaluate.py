"""``tinyinterp evaluate``: figures that tell how good a model is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tinyinterp.cli.options import Ckpt, Dataset, Json, TextFile, check_one_text
from tinyinterp.cli.report import columns, print_json, print_lines, say

evaluate = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Figures that tell how good a model is."
)


@evaluate.callback()
def _group() -> None:
    """Figures that tell how good a model is."""


@evaluate.command()
def loss(
    *,
    ckpt: Ckpt = None,
    text: TextFile = None,
    dataset: Dataset = None,
    split: Annotated[str, typer.Option(help="Of the data set.")] = "validation",
    as_json: Json = False,
) -> None:
    """Loss on a text: nats per token, and bits per byte, which compares between tokenizers.

    Each story apart, each token scored once; the text is taken as it is.
    """
    check_one_text(text, dataset)
    from tinyinterp.evaluation.loss import measure_text_loss
    from tinyinterp.io.paths import is_file
    from tinyinterp.io.progress import progress
    from tinyinterp.model import load_any
    from tinyinterp.text.corpus import BUNDLED_STORIES, bundled_stories
    from tinyinterp.text.stories import read_dataset, read_stories

    path = text or bundled_stories()
    model = load_any(ckpt)
    total = path.stat().st_size if dataset is None and is_file(path) else None
    stories = read_stories(path) if dataset is None else read_dataset(dataset, split)
    with progress("measuring the loss", total) as bar:
        result = measure_text_loss(model.network, model.tokenizer, stories, bar)
    if dataset is not None:
        name = f"{dataset} ({split})"
    elif text is not None:
        name = text.name
    else:
        name = BUNDLED_STORIES
        say(
            "note: these stories are the bundled model's own samples, which flatters its loss; "
            "give others with --text"
        )
    if as_json:
        print_json(asdict(result) | {"text": name, "fingerprint": model.fingerprint})
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

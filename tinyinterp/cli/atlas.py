"""``tinyinterp atlas``: a page for every head and neuron, opened from disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.given import GivenModel, GivenText
from tinyinterp.cli.heads import QUICK_NULL_TOKENS, QUICK_TOKENS
from tinyinterp.cli.options import AccountFolder, Full, Out, Seed, Tokens, token_limit
from tinyinterp.cli.report import say, say_written

if TYPE_CHECKING:
    from tinyinterp.model import Model
    from tinyinterp.text.corpus import Corpus

QUICK = (
    "A quick atlas: little text, wide intervals, and no causal check of the heads that it "
    "measured; leave out --quick for the full one."
)
QUICK_NEURON_TOKENS = 20_000  # every neuron has its top activations; rare words have few hits


def atlas(
    *,
    given: GivenModel,
    text: GivenText,
    heads: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of a census of heads of this model and text, to use instead of measuring.",
        ),
    ] = None,
    neurons: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of a census of neurons of this model, to use instead of measuring.",
        ),
    ] = None,
    account: AccountFolder = None,
    out: Out = Path("tinyinterp-out/atlas"),
    tokens: Tokens = None,
    full: Full = False,
    seed: Seed = 0,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help=f"A quick first atlas: {QUICK_TOKENS:,} tokens for heads and "
            f"{QUICK_NEURON_TOKENS:,} for neurons, no causal check.",
        ),
    ] = False,
) -> None:
    """Write linked pages about every head and neuron.

    The pages open from disk, without a network. Reads 40,000 tokens for heads and 100,000 for
    neurons unless --tokens, --full or --quick says otherwise.
    """
    text.check()
    from tinyinterp.api import HEAD_POSITIONS, HEAD_TOKENS, NEURON_TOKENS

    head_limit = token_limit(tokens, full=full, default=QUICK_TOKENS if quick else HEAD_TOKENS)
    neuron_limit = token_limit(
        tokens, full=full, default=QUICK_NEURON_TOKENS if quick else NEURON_TOKENS
    )
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model_account.beside import open_account

    model = given.load()
    found = open_account(account, model)
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    corpus = text.corpus(model, max_tokens=head_limit, n_ctx=n_ctx)
    output = OutputFolder(out)
    from tinyinterp.atlas.gather import gather, read_heads  # slow, so after every check
    from tinyinterp.atlas.site import write_atlas

    with output.scratch() as scratch:
        profiles = None
        if heads is None:
            from tinyinterp.head_census import HeadSettings, census_heads

            settings = HeadSettings(seed=seed)
            if quick:
                settings = replace(settings, causal=False, null_tokens=QUICK_NULL_TOKENS)
            census = census_heads(model, corpus, settings)
            table, profiles = (list(census.table), census.table.notes), census.profiles
        else:
            table = read_heads(heads)
        if neurons is None:
            neurons = scratch
            longer = replace(corpus, max_tokens=neuron_limit, n_ctx=model.config.n_ctx)
            measure_neurons(model, longer, neurons, output.folder, seed=seed, quick=quick)
        contents = gather(model, corpus, table, neurons, profiles, found)
        if quick:
            contents = replace(contents, quick=QUICK)
        with output.filling("atlas", f"{model.name}, {corpus.name}") as folder:
            write_atlas(contents, folder)
    size = sum(path.stat().st_size for path in output.written)
    say_written(output.folder, output.written)
    say(f"{size / 1e6:.1f} MB; open {out / 'index.html'}")
    if quick:
        say(QUICK)


def measure_neurons(
    model: Model,
    corpus: Corpus,
    folder: Path,
    progress_folder: Path,
    *,
    seed: int,
    quick: bool = False,
) -> None:
    """Take the census of the neurons of all layers and write its tables into ``folder``.

    An interrupted one resumes from what it saved in ``progress_folder``.
    """
    from tinyinterp.neuron_census import NeuronSettings, census_neurons

    settings = NeuronSettings(seed=seed)
    if quick:
        settings = replace(settings, null_tokens=QUICK_NULL_TOKENS)
    census_neurons(model, corpus, settings, checkpoint_folder=progress_folder).write(folder)

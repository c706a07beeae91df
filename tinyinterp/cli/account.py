"""``tinyinterp account``: how much of a model a simple story explains, by running the story."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.given import GivenModel, GivenText
from tinyinterp.cli.options import Full, Json, Out, Pictures, Seed, Tokens, token_limit
from tinyinterp.cli.report import print_json, print_lines, say, say_written
from tinyinterp.cli.tables import as_json, say_if_trained_on
from tinyinterp.processes import writes

if TYPE_CHECKING:
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model import Model
    from tinyinterp.results import Account

QUICK_TOKENS = 12_000
QUICK_TEST_TOKENS = 1_500
QUICK_EFFECT_TOKENS, QUICK_POSITIONS = 600, 64  # of so many in each sequence at most


def account(
    *,
    given: GivenModel,
    text: GivenText,
    fit_text: Annotated[
        Path | None,
        typer.Option(
            "--fit-text",
            metavar="FILE",
            help="Fit on the stories of this file instead of the FIT half of the text.",
        ),
    ] = None,
    weights: Annotated[
        bool,
        typer.Option("--weights", help="Only what the weights say; reads no text."),
    ] = False,
    out: Out = Path("tinyinterp-out/account"),
    tokens: Tokens = None,
    full: Full = False,
    seed: Seed = 0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help=f"A first table, fitted on {QUICK_TOKENS // 2:,} tokens."),
    ] = False,
    pictures: Pictures = True,
    as_one_json: Json = False,
) -> None:
    """Say how much of the model a simple story explains.

    Replaces heads and neurons by what position, token and the tokens before predict, and measures
    how much of the loss that keeps: for every head, every neuron and the whole model. Reads the
    whole text unless --tokens or --quick says otherwise.
    """
    text.check()
    from tinyinterp.api import ACCOUNT_POSITIONS, ACCOUNT_TOKENS

    limit = token_limit(tokens, full=full, default=QUICK_TOKENS if quick else ACCOUNT_TOKENS)
    from tinyinterp.io.output import OutputFolder

    model = given.load(fp64=not weights)
    n_ctx = min(model.config.n_ctx, ACCOUNT_POSITIONS)
    output = OutputFolder(out)
    if weights:
        _weights(model, output, as_one_json=as_one_json)
        return
    corpus = text.corpus(model, max_tokens=limit, n_ctx=n_ctx)
    say_if_trained_on(model, corpus.name)
    fit_on = None
    if fit_text is not None:
        fit_on = text.instead(fit_text).corpus(model, max_tokens=None, n_ctx=n_ctx)
    from tinyinterp import results  # slow, so after every check
    from tinyinterp.model_account import AccountSettings, take_account

    settings = AccountSettings(seed=seed)
    if quick:
        settings = AccountSettings(
            seed=seed,
            test_tokens=QUICK_TEST_TOKENS,
            effect_tokens=QUICK_EFFECT_TOKENS,
            effect_positions=QUICK_POSITIONS,
            exact_neurons=0,
            rules=False,
        )
    taken = results.Account.of(take_account(model, corpus, settings, fit_on=fit_on))
    if not writes():
        return
    with output.filling("account", f"{model.name}, {corpus.name}") as folder:
        taken.write(folder)
        if pictures:
            _draw(taken, folder)
    if as_one_json:
        print_json(as_json(taken.table, output))
        return
    print_lines(taken.lines())
    if quick:
        say("quick: little text and wide intervals; leave out --quick for all of it")
    say_written(output.folder, output.written)


def _weights(model: Model, output: OutputFolder, *, as_one_json: bool) -> None:
    """Write and print what the weights of heads and neurons say."""
    from tinyinterp.model_account.weights import weight_tables
    from tinyinterp.views.account_lines import weight_lines

    heads, neurons = weight_tables(model)
    with output.filling("account of the weights", model.name) as folder:
        heads.write(folder)
        neurons.write(folder)
    if as_one_json:
        print_json(as_json(heads, output))
        return
    print_lines(weight_lines(list(heads), list(neurons)))
    say_written(output.folder, output.written)


def _draw(taken: Account, folder: Path) -> None:
    from tinyinterp.views import style
    from tinyinterp.views.account_page import write_account_page

    figure = taken.plot()
    for suffix in (".png", ".svg"):
        style.save(figure, folder / f"account{suffix}")
    write_account_page(taken, folder / "account.html")

"""``tinyinterp explore``: a live page on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinyinterp.cli.options import AccountFolder, Ckpt, Device
from tinyinterp.cli.report import say


def explore(
    *,
    ckpt: Ckpt = None,
    census: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of a census of heads or neurons of this model, or of both as heads and "
            "neurons; tinyinterp-out if left out, where that is of this model.",
        ),
    ] = None,
    account: AccountFolder = None,
    device: Device = "cpu",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any that is free.")
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Serve, but open no browser.")
    ] = False,
) -> None:
    """Explore a text of your own in the browser: what each head and neuron does with it.

    Type a text; see what the model predicts after each token and after each layer, all attention
    patterns, and the neurons that fire; switch parts off and see what changes. The page is served
    to this machine alone and needs no network. Ctrl-C ends it.
    """
    from tinyinterp.explore.serve import Serving, check_installed, open_browser

    check_installed()
    from tinyinterp.explore.explorer import Explorer
    from tinyinterp.explore.tables import read_tables
    from tinyinterp.model import load

    model = load(ckpt, device=device)
    serving = Serving(Explorer(model, read_tables(model, census, account)), port)

    def ready() -> None:
        typer.echo(serving.address)
        say("open this address in a browser on this machine; Ctrl-C ends the page")
        if not no_browser:
            open_browser(serving.address)

    serving.run(ready)

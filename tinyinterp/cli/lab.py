"""``tinyinterp lab``: the guided tour, copied to a folder of the user, in JupyterLab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinyinterp.cli.report import say


def lab(
    *,
    jupyter: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- OPTION", help="Options for jupyter lab."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the notebooks.")] = Path(
        "tinyinterp-notebooks"
    ),
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Serve, but open no browser.")
    ] = False,
) -> None:
    """Open JupyterLab on the guided tour.

    The notebooks are copied to --out; one that you have changed there is kept. Options of Jupyter
    follow two hyphens: as root, tinyinterp lab -- --allow-root.
    """
    from tinyinterp.cli.tour import copy_tour, find_jupyterlab

    launch = find_jupyterlab()
    copied = copy_tour(out)
    if copied.kept:
        say(
            f"kept yours: {', '.join(copied.kept)}; for a fresh copy, move it away and run "
            "tinyinterp lab again"
        )
    say(f"{out}: {len(copied.written)} of {len(copied.names)} notebooks copied")
    first = f"--LabApp.default_url=/lab/tree/{copied.names[0]}"
    launch([str(out), first, *(["--no-browser"] if no_browser else []), *(jupyter or [])])

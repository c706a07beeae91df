"""``tinyinterp train``: the command line of training, which stands above this package."""

from __future__ import annotations

from importlib import import_module

import typer

NAME = "tinyinterp train"
# Whatever follows is for that command line, its --help too.
EVERYTHING = {
    "allow_extra_args": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
    "ignore_unknown_options": True,
}


def train(context: typer.Context) -> None:
    """Prepare data and train models: prepare, run, plot and more; see train --help."""
    # The only door: by name and when it is asked for, for nothing in here depends on training.
    import_module("tinyinterp.train.cli").app(context.args, prog_name=NAME)

"""How every command of every program here reads its options.

An option that takes one value is given once: of two, one would go unheard. In every path a leading
``~`` is the home folder, also where no shell has expanded it (``--out=~/x``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from tinyinterp.cli.groups import spread
from tinyinterp.io.paths import expanded

PATHS = {"path", "file", "directory"}  # what older parsers call their kinds of paths


class Command(TyperCommand):
    """A command that hears every option, and expands every path."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse ``args`` into ``ctx.params``; returns what is left over.

        Raises:
            typer.BadParameter: an option that takes one value was given again.
        """
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for param, times in Counter[Any](order).items():
            if times > 1 and param.param_type_name == "option" and not _may_repeat(param):
                raise typer.BadParameter(
                    f"it was given {times} times; give it once", ctx=ctx, param=param
                )
        rest = super().parse_args(ctx, args)
        for param in self.params:
            if param.name in ctx.params:
                ctx.params[param.name] = _expanded(ctx.params[param.name], param)
        return rest


class Program(typer.Typer):
    """Commands of this kind, and how all our programs show their help and their errors."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("no_args_is_help", True)
        settings.setdefault("rich_markup_mode", None)  # rich takes longer to import than the rest
        super().__init__(
            add_completion=False,
            pretty_exceptions_enable=False,
            context_settings={"max_content_width": 100},
            **settings,
        )

    def command(self, *names: Any, **settings: Any) -> Callable[[Any], Any]:
        """Register a :class:`Command`, as ``typer.Typer.command`` does; options come in groups."""
        register = super().command(*names, **{"cls": Command, **settings})

        def registered(command: Callable[..., None]) -> Callable[..., None]:
            register(spread(command))
            return command

        return registered


def _may_repeat(param: Any) -> bool:
    return param.multiple or param.is_eager  # --help twice is still a call for help


def _expanded(value: Any, param: Any) -> Any:
    """A parsed value with its paths expanded; older parsers make a path of a string later."""
    if isinstance(value, (list, tuple)):
        return type(value)(_expanded(each, param) for each in value)
    kind = getattr(param, "type", None)  # of those parsers
    if isinstance(value, str) and getattr(kind, "name", None) in PATHS:
        return str(expanded(value))
    return expanded(value) if isinstance(value, Path) else value

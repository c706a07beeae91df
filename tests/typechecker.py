"""What ``conftest.py`` puts around every function of both packages: types and shapes are checked.

jaxtyping's wrapper binds the arguments of each call and walks through them twice, so that shapes
agree among arguments and with the result. Most functions name no shape, and some of these are
called a million times in the tests: beartype alone checks their types, and costs little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, config, install_import_hook

PACKAGES = ["tinyinterp", "train"]

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int will do for a float
with_shapes = jaxtyping.jaxtyped


def check_packages() -> None:
    """Check both packages from their import on: the hook rewrites modules as they are imported."""
    jaxtyping.jaxtyped = check  # what the hook calls by this name, for each function
    install_import_hook(PACKAGES, f"{__name__}.checked")


def check(fn: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Stands in for ``jaxtyping.jaxtyped``."""
    if fn is None:
        return functools.partial(check, typechecker=typechecker)
    if isinstance(fn, FunctionType):
        hints = {name: _resolved(hint, fn.__globals__) for name, hint in fn.__annotations__.items()}
        if not any(map(_names_a_shape, hints.values())):
            return _with_types(fn, hints)
    return with_shapes(fn, typechecker=typechecker)


def _with_types(fn: FunctionType, hints: dict[str, Any]) -> Callable[..., Any]:
    twin = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    functools.update_wrapper(twin, fn)
    del twin.__wrapped__  # which beartype would follow
    twin.__kwdefaults__, twin.__annotations__ = fn.__kwdefaults__, hints
    typed = checked(twin)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (fn if config.jaxtyping_disable else typed)(*args, **kwargs)

    return call


def _resolved(hint: Any, names: dict[str, Any]) -> Any:
    """What an annotation stands for; anything, if it is imported for type checkers alone."""

    def holder(value: Any) -> None: ...

    holder.__annotations__ = {"value": hint}
    try:
        return get_type_hints(holder, names, include_extras=True)["value"]
    except (NameError, TypeError, AttributeError):
        return Any


def _names_a_shape(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_names_a_shape(part) for part in get_args(hint))

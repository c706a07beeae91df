"""What is declared once and then part of every table: a registry of named declarations."""

from __future__ import annotations

import re
from typing import Generic, Protocol, TypeVar, runtime_checkable

from tinyinterp.errors import SelectionError


@runtime_checkable
class Named(Protocol):
    """A declaration."""

    @property
    def name(self) -> str:
        """What it is registered by, and what its columns are called after."""
        ...


Declared = TypeVar("Declared", bound=Named)


class Registry(Generic[Declared]):
    """Declarations by name, in the order in which they came.

    Args:
        kind: what they are, in a word, for errors.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._declared: dict[str, Declared] = {}

    def register(self, declared: Declared) -> Declared:
        """Make it part of every table from now on; returns it.

        Raises:
            SelectionError: another one has this name.
        """
        if self._declared.get(declared.name, declared) is not declared:
            raise SelectionError(
                f"there is a {self._kind} {declared.name!r} already; choose another name, or "
                "unregister it"
            )
        self._declared[declared.name] = declared
        return declared

    def unregister(self, name: str) -> None:
        """Leave it out from now on; a name that is not known is no error."""
        self._declared.pop(name, None)

    def registered(self) -> tuple[Declared, ...]:
        """All of them, in the order of their columns."""
        return tuple(self._declared.values())


def require_column_name(kind: str, name: str, example: str) -> None:
    """Refuse the name of a declaration that no column can have.

    Raises:
        SelectionError: it is none of small letters, digits and underscores, or ends as the bounds
            of an interval do.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) and not name.endswith(("_low", "_high")):
        return
    raise SelectionError(
        f"a {kind} is called {name!r}; expected small letters, digits and underscores, such as "
        f"{example!r}, without _low or _high at the end"
    )

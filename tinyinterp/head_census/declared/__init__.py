"""The measures of this package that are declared in a file of their own; a line registers each."""

from __future__ import annotations

from tinyinterp.head_census.declared import reach
from tinyinterp.head_census.registry import register, registered

__all__ = ["registered"]

register(reach.REACH)

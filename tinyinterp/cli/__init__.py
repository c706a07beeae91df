"""The command line: parses, calls, reports. Everything slow is imported inside the commands."""

from __future__ import annotations

from tinyinterp.cli.app import main

__all__ = ["main"]

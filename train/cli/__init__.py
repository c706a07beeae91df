"""The command line: parses, calls, reports. Everything slow is imported inside the commands."""

from __future__ import annotations

from .app import app, main

__all__ = ["app", "main"]

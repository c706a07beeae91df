"""What tinyinterp raises when what it was given cannot be used.

Every message says what was given, what was expected and what to do. The command line prints the
message as one line and exits with 1; a traceback only with ``--debug``.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

LONGEST = 2000  # characters of a message, which may quote a file


class TinyinterpError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        message: what was given, what was expected and what to do; cut where it is too long to read.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message if len(message) <= LONGEST else f"{message[:LONGEST]}…")


class ConfigError(TinyinterpError):
    """A configuration that describes no model, or a recipe that describes no training."""


class CheckpointError(TinyinterpError):
    """A checkpoint that is missing, truncated or of another architecture."""


class TokenizerError(TinyinterpError):
    """A tokenizer that cannot be read, trained or reduced as asked."""


class CorpusError(TinyinterpError):
    """A text that is missing, empty, not UTF-8 or too short for what was asked."""


class CertificateError(TinyinterpError):
    """A conversion whose numbers differ from the original's by more than allowed."""


class UncheckedError(CertificateError):
    """A comparison that could not be made, which says nothing about the numbers."""


class SelectionError(TinyinterpError):
    """A layer, head, neuron or option that does not exist."""


class DependencyError(TinyinterpError):
    """A package that only an extra of this one installs, and that is not installed.

    Args:
        package: its name.
        extra: which of this package's extras brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; pip install 'tinyinterp[{extra}]'")


class VersionError(TinyinterpError):
    """A package of a version that lacks what this one needs of it, or that is not there at all.

    Args:
        need: what cannot be had, as the beginning of a sentence.
        package: its name.
        wanted: versions that have it, as pip writes them.
    """

    def __init__(self, need: str, package: str, wanted: str) -> None:
        try:
            found = f"{package} {version(package)} is installed"
        except PackageNotFoundError:
            found = f"{package} is not installed"
        super().__init__(f"{need}, but {found}; pip install '{package}{wanted}'")


class JudgeError(TinyinterpError):
    """A judge that cannot be asked: no key, no server, no such model, or nothing but errors."""


class OutputError(TinyinterpError):
    """A folder or file that cannot be written, or holds something that must not be lost."""


class ProcessesError(TinyinterpError):
    """Several processes that were not started together, or cannot work together."""


class TrainingError(TinyinterpError):
    """A training run that cannot start or continue; the last good checkpoint is kept."""

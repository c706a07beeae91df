"""What an open decoder and an open compressor have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tinyinterp.checkpoint import Checkpoint, CompressorCheckpoint
from tinyinterp.checkpoint.facts import trained_without_blank_lines
from tinyinterp.text.separators import Separator
from tinyinterp.text.source import Stories, open_stories
from tinyinterp.text.tokenizer import Tokenizer

BUNDLED_NAME = "bundled"

AnyCheckpoint = TypeVar("AnyCheckpoint", Checkpoint, CompressorCheckpoint)


@dataclass(frozen=True, eq=False, repr=False)
class OpenCheckpoint(Generic[AnyCheckpoint]):
    """A checkpoint with its name, and what it reads."""

    checkpoint: AnyCheckpoint
    name: str  # as it was asked for: a hub name, a folder's name, or "bundled"

    @property
    def tokenizer(self) -> Tokenizer:
        """Text to tokens and back."""
        return self.checkpoint.tokenizer

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return self.checkpoint.folder

    @property
    def fingerprint(self) -> str:
        """SHA-256 over configuration and weights."""
        return self.checkpoint.fingerprint

    def stories(
        self,
        text: Path | str | Sequence[str | None] | None = None,
        *,
        dataset: str | None = None,
        split: str = "train",
        separator: Separator = "auto",
        keep_blank_lines: bool = False,
    ) -> Stories:
        """Stories as this model reads them.

        Args:
            text: the path of a file or folder, a list of stories, or None for the bundled
                stories.
            dataset: the name of a data set on the hub, in place of a text.
            split: of the data set.
            separator: what is between the stories of a plain text;
                :func:`tinyinterp.text.separators.decide` says what ``auto`` takes.
            keep_blank_lines: also for a model whose training text had none; otherwise runs of them
                are read as one line break there.

        Raises:
            CorpusError: a text and a data set were given, or a list without a story.
        """
        fold_for = self._folds_for(keep_blank_lines=keep_blank_lines)
        return open_stories(
            text, dataset=dataset, split=split, separator=separator, fold_for=fold_for
        )

    def _folds_for(self, *, keep_blank_lines: bool) -> str | None:
        """How a message names this model, if blank lines are to be folded for it."""
        if keep_blank_lines or not trained_without_blank_lines(self.checkpoint.training):
            return None
        return "the bundled model" if self.name == BUNDLED_NAME else self.name

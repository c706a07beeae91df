"""The model and the text that a command is given: their options, and how they are opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.cli.options import (
    Ckpt,
    Dataset,
    Device,
    KeepBlankLines,
    SeparatedBy,
    Separator,
    Split,
    StartToken,
    TextFile,
    TokenizerFolder,
    check_one_text,
    start_choice,
)

if TYPE_CHECKING:
    from tinyinterp.model import AnyModel, Model
    from tinyinterp.text.corpus import Corpus
    from tinyinterp.text.source import Stories


@dataclass(frozen=True, kw_only=True)
class GivenModel:
    """A checkpoint, how its texts begin, and where it computes."""

    ckpt: Ckpt = None
    tokenizer: TokenizerFolder = None
    start: StartToken = None
    device: Device = "cpu"

    def load(self, *, fp64: bool = False) -> Model:
        """Open it.

        Args:
            fp64: whether the work cannot do without fp64.

        Raises:
            CheckpointError: it cannot be read.
            SelectionError: there is no such device, or it has no fp64.
        """
        from tinyinterp.devices import choose_device
        from tinyinterp.model import load

        device = str(choose_device(self.device, fp64=True)) if fp64 else self.device
        start = start_choice(self.start)
        return load(self.ckpt, tokenizer=self.tokenizer, start=start, device=device)

    def load_any(self) -> AnyModel:
        """Open it, a compressor too.

        Raises:
            CheckpointError: it cannot be read.
            SelectionError: there is no such device.
        """
        from tinyinterp.model import load_any

        start = start_choice(self.start)
        return load_any(self.ckpt, tokenizer=self.tokenizer, start=start, device=self.device)


@dataclass(frozen=True, kw_only=True)
class GivenText:
    """A file or a data set, and how it falls into stories."""

    text: TextFile = None
    dataset: Dataset = None
    separator: Separator = SeparatedBy.AUTO
    keep_blank_lines: KeepBlankLines = False

    def check(self) -> None:
        """Refuse two texts at once.

        Raises:
            typer.BadParameter: both were given.
        """
        check_one_text(self.text, self.dataset)

    def corpus(self, model: Model, *, max_tokens: int | None, n_ctx: int | None = None) -> Corpus:
        """Its stories as the model reads them.

        Raises:
            CorpusError: the text cannot be read.
        """
        return model.corpus(
            self.text,
            dataset=self.dataset,
            max_tokens=max_tokens,
            n_ctx=n_ctx,
            separator=self.separator.value,
            keep_blank_lines=self.keep_blank_lines,
        )

    def instead(self, text: Path) -> GivenText:
        """Another file, read in the same way."""
        return replace(self, text=text, dataset=None)


@dataclass(frozen=True, kw_only=True)
class GivenStories(GivenText):
    """A text that is read story by story, or a split of a data set."""

    split: Split = "validation"

    def read_by(self, model: AnyModel) -> Stories:
        """Its stories as the model's vocabulary has them.

        Raises:
            CorpusError: the text cannot be read.
        """
        return model.stories(
            self.text,
            dataset=self.dataset,
            split=self.split,
            separator=self.separator.value,
            keep_blank_lines=self.keep_blank_lines,
        )

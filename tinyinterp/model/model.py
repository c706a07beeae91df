"""An open decoder with all that belongs to it: tokenizer, hooked form, certificate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.devices import on_the_cpu
from tinyinterp.errors import CorpusError, SelectionError, UncheckedError
from tinyinterp.io.progress import say
from tinyinterp.model.open_checkpoint import OpenCheckpoint
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder, count_parameters
from tinyinterp.run import (
    Component,
    Instead,
    Means,
    Read,
    Run,
    Zeros,
    measure_means,
    read_text,
    run_text,
)
from tinyinterp.run.components import choose_components
from tinyinterp.text.corpus import Corpus, open_corpus
from tinyinterp.text.separators import Separator

if TYPE_CHECKING:
    import torch

    from tinyinterp.checkpoint.certificate import Certificate, Comparison
    from tinyinterp.checkpoint.hooked import HookedTransformer

MEANS_TOKENS, MEANS_POSITIONS = 10_000, 256  # read for the means of what is switched off
Text = Corpus | Path | str | Sequence[str | None] | None  # what is taken as a text


class Model(OpenCheckpoint[Checkpoint]):
    """An open checkpoint. The hooked form is made, and certified, when first asked for."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.checkpoint.decoder.embed.weight.device

    @property
    def decoder(self) -> Decoder:
        """Our own implementation, in evaluation mode."""
        return self.checkpoint.decoder

    @property
    def network(self) -> Decoder:
        """What predicts tokens: the decoder, under the name that a compressor has too."""
        return self.checkpoint.decoder

    @property
    def config(self) -> DecoderConfig:
        """Its shape."""
        return self.checkpoint.decoder.config

    @property
    def hooked(self) -> HookedTransformer:
        """The same model as an unprocessed ``HookedTransformer``, certified; takes seconds once.

        Raises:
            CertificateError: the converted model differs; the message has the numbers.
            VersionError: TransformerLens is not installed, or is of a version without the class.
        """
        return self._conversion[0]

    @property
    def certificate(self) -> Certificate:
        """How close the hooked form is to the original. Raises like :attr:`hooked`."""
        return self._conversion[1]

    @cached_property
    def _conversion(self) -> tuple[HookedTransformer, Certificate]:
        from tinyinterp.checkpoint.hooked import convert

        hooked, certificate = convert(self._on_the_cpu())
        if self.device.type != "cpu":
            hooked = hooked.to(self.device, print_details=False)
        return hooked, certificate

    def _on_the_cpu(self) -> Checkpoint:
        """What is compared with other programs: the same numbers on every machine."""
        return replace(self.checkpoint, decoder=on_the_cpu(self.decoder))

    @cached_property
    def comparison(self) -> Comparison:
        """How close the decoder is to the model that ``transformers`` builds from the same files.

        Raises:
            UncheckedError: ``transformers`` cannot open the folder.
        """
        from tinyinterp.checkpoint.certificate import compare_with_transformers

        return compare_with_transformers(self._on_the_cpu())

    def check_if_foreign(self) -> None:
        """Compare a model that another program wrote with ``transformers``; silent when right.

        Where ``transformers`` cannot open it, that is said on standard error.

        Raises:
            CertificateError: they differ; the message has the numbers.
        """
        if not self.checkpoint.is_foreign:
            return
        try:
            comparison = self.comparison
        except UncheckedError as error:
            say(f"{self.name} was not checked: {' '.join(str(error).split())}")
            return
        comparison.require(self.name)

    def corpus(
        self,
        text: Text = None,
        *,
        dataset: str | None = None,
        max_tokens: int | None = None,
        n_ctx: int | None = None,
        separator: Separator = "auto",
        keep_blank_lines: bool = False,
    ) -> Corpus:
        """A text as this model reads it.

        Args:
            text: a :class:`Corpus`, which is taken as it is; the path of a file, a list of
                stories, or None for the bundled stories.
            dataset: the name of a data set on the hub, in place of a text.
            max_tokens: how much of it is read; None: all.
            n_ctx: tokens of a sequence, at most; None: as many as the context holds.
            separator: as for :meth:`stories`.
            keep_blank_lines: as for :meth:`stories`.

        Raises:
            CorpusError: the text cannot be read, was tokenised for another model, or has longer
                sequences than the context.
        """
        if isinstance(text, Corpus) and dataset is None:
            corpus = text
        elif isinstance(text, Corpus):
            raise CorpusError("both a text and a data set were given; choose one")
        else:
            corpus = open_corpus(
                self.tokenizer,
                self.config.n_ctx if n_ctx is None else n_ctx,
                text=text,
                dataset=dataset,
                max_tokens=max_tokens,
                separator=separator,
                fold_for=self._folds_for(keep_blank_lines=keep_blank_lines),
            )
        self._check(corpus)
        return corpus

    def read(self, text: str) -> Read:
        """The tokens of one text, with end-of-text in front.

        Raises:
            CorpusError: it is no text, is empty, or is longer than the context.
        """
        return read_text(self.tokenizer, self.config.n_ctx, text)

    def run(
        self,
        text: str | Read,
        *,
        off: Component | str | Iterable[Component | str] = (),
        instead: Literal["mean", "zero"] | Instead = "mean",
    ) -> Run:
        """Everything that the model computes on one text, with some heads and neurons off.

        Args:
            text: no longer than the context.
            off: heads and neurons, as ``[head(6, 7), neuron(4, 428)]`` or ``["L6H7"]``.
            instead: what takes their place: their mean over the bundled stories, zero, or
                :class:`tinyinterp.run.Means` of another text.

        Raises:
            CorpusError: the text is empty or too long.
            SelectionError: the model has no such head or neuron.
        """
        read = text if isinstance(text, Read) else self.read(text)
        chosen = choose_components(off, self.config)
        return run_text(self.decoder, read, chosen, self._instead(instead) if chosen else None)

    def _instead(self, given: str | Instead) -> Instead:
        if not isinstance(given, str):
            return given
        if given not in ("mean", "zero"):
            raise SelectionError(f"instead is {given!r:.80}; expected 'mean' or 'zero'")
        return self.means if given == "mean" else Zeros()

    @cached_property
    def means(self) -> Means:
        """Mean output of every head and neuron over the beginning of the bundled stories."""
        corpus = self.corpus(max_tokens=MEANS_TOKENS, n_ctx=min(self.config.n_ctx, MEANS_POSITIONS))
        return measure_means(self.decoder, corpus.micro_batches())

    def _check(self, corpus: Corpus) -> None:
        """Refuse what another model's tokenizer made, or what does not fit in the context."""
        if not self.tokenizer.reads_like(corpus.tokenizer):
            raise CorpusError(
                f"the corpus {corpus.name!r} was opened with the tokenizer of another model; "
                f"open it with the one of {self.name!r}"
            )
        if corpus.n_ctx > self.config.n_ctx:
            raise CorpusError(
                f"the corpus {corpus.name!r} has sequences of up to {corpus.n_ctx} tokens, the "
                f"context of {self.name!r} holds {self.config.n_ctx}; open it with "
                f"n_ctx={self.config.n_ctx}"
            )

    def __repr__(self) -> str:
        config = self.config
        n_local = config.attention.count("local")
        attention = f"{n_local} local, window {config.window}" if n_local else "all global"
        return (
            f"Model({self.name!r}, {config.architecture}, {config.n_layers} layers ({attention}), "
            f"{config.d_model} wide, {config.n_heads} heads, {config.n_ctx} positions, "
            f"{config.n_vocab:,} tokens, {count_parameters(config).total:,} parameters, "
            f"fingerprint {self.fingerprint[:12]})"
        )

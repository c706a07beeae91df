"""The two passes over a text that everything about neurons is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinyinterp.corpus import Corpus, Sequence, Side
from tinyinterp.decoder import Decoder
from tinyinterp.neuron_census.association import EvenSample, Sample
from tinyinterp.neuron_census.fitted import FittedSide
from tinyinterp.neuron_census.held_out import HeldOutSide
from tinyinterp.neuron_census.rows import RowReader, Rows
from tinyinterp.neuron_census.top import TopActivations
from tinyinterp.progress import Progress
from tinyinterp.scan import scan
from tinyinterp.speech import SpeechReader


@dataclass(frozen=True)
class Survey:
    """What a text holds, counted without the model."""

    tokens: int  # of all sequences, the end-of-text in front included
    fit_stories: int
    test_stories: int

    @property
    def split(self) -> bool:
        """Whether both sides have stories; if not, the whole text serves as both."""
        return self.fit_stories > 0 and self.test_stories > 0


@dataclass(frozen=True)
class Measured:
    """What the passes gathered."""

    fitted: FittedSide
    held_out: HeldOutSide
    sample: Sample
    top: TopActivations


def survey(corpus: Corpus) -> Survey:
    """Count tokens, and stories by side."""
    tokens = 0
    stories = dict.fromkeys(Side, 0)
    for sequence in corpus.sequences():
        tokens += len(sequence.tokens)
        stories[sequence.side] += sequence.start == 0
    return Survey(tokens, stories[Side.FIT], stories[Side.TEST])


def measure(
    decoder: Decoder,
    corpus: Corpus,
    speech: SpeechReader,
    *,
    layer: int,
    top: int,
    seed: int,
    batch_size: int,
    split: bool,
    report: Progress | None = None,
) -> Measured:
    """Fit on the FIT stories, count on the TEST stories; without ``split`` all stories are both."""
    config = decoder.config
    highest = TopActivations(config.d_mlp, top)
    fitted = FittedSide(config.d_mlp, config.n_vocab, config.n_ctx)

    def read(side: Side, take: Callable[[Rows], None]) -> None:
        reader = RowReader(f"blocks.{layer}.mlp.hook_post", take)
        batches = corpus.micro_batches(side if split else None)
        scan(decoder, batches, [reader], batch_size=batch_size, report=report)

    def fit(rows: Rows) -> None:
        fitted.add(rows)
        highest.add(rows.values, rows.ids)

    read(Side.FIT, fit)
    held_out = HeldOutSide(fitted.hit_level(), fitted.means_by_position(), config.n_vocab)
    sample = EvenSample(seed)

    def count(rows: Rows) -> None:
        tags, next_tags = _tags(rows.sequences, speech)
        held_out.add(rows, tags, next_tags)
        sample.add(rows, tags, next_tags)
        if split:
            highest.add(rows.values, rows.ids)

    read(Side.TEST, count)
    return Measured(fitted, held_out, sample.finish(), highest)


def _tags(sequences: tuple[Sequence, ...], speech: SpeechReader) -> tuple[np.ndarray, np.ndarray]:
    """Tags of the rows and of the words after them."""
    read = [speech.tokens(sequence) for sequence in sequences]
    tags = np.concatenate([tokens.tags[1:] for tokens in read])
    return tags, np.concatenate([tokens.next_tags[1:] for tokens in read])

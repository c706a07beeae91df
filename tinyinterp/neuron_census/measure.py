"""Runs the two passes that every number about neurons comes from, and resumes interrupted ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.checkpointer import Checkpointer
from tinyinterp.neuron_census.corpus_stats import CorpusStats
from tinyinterp.neuron_census.measured import Measured
from tinyinterp.neuron_census.passes import FitPass, TestPass
from tinyinterp.neuron_census.sample import SAMPLE_TOKENS
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.processes import current
from tinyinterp.scan import scan
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Side


def measure(
    decoder: Decoder,
    corpus: Corpus,
    settings: NeuronSettings,
    stats: CorpusStats,
    tag_reader: TagReader,
    *,
    sampled: int = SAMPLE_TOKENS,
    every: int = 1,
    checkpointer: Checkpointer | None = None,
    report: Progress | None = None,
) -> Measured:
    """Fit on the FIT stories, count on the TEST stories; if one has none, all stories are both.

    Args:
        decoder: the model.
        corpus: what it reads.
        settings: what to measure.
        stats: of the corpus.
        tag_reader: tags the tokens.
        sampled: TEST tokens whose activations are all kept; 0 where no associations are needed, nor
            means by token type.
        every: reads neurons 0, ``every``, 2 ``every`` … of each layer; 1: all.
        checkpointer: saves the state of a pass, and gives back that of an interrupted one.
        report: advances by the tokens read.
    """
    checkpointer = checkpointer or Checkpointer(None, "")
    sharing = current()
    saved = checkpointer.load()
    if sharing is not None and len(set(sharing.gather(saved and saved.side))) > 1:
        saved = checkpointer.forget()  # they were interrupted between two passes
    fit = FitPass(decoder, settings, stats, by_type=sampled > 0, every=every)

    def read(side: Side, accumulator: FitPass | TestPass) -> None:
        done = saved.batches if saved is not None and saved.side == side.name else 0
        before = done if sharing is None else done * sharing.world  # each had its part of these
        batches = _after(corpus.micro_batches(side if stats.split else None), before, report)
        with checkpointer.watching(side.name, accumulator.arrays, done) as after:
            scan(decoder, batches, [accumulator], report=report, after=after)
        accumulator.collect()

    if saved is None or saved.side == Side.FIT.name:
        if saved is not None:
            fit.restore(saved.arrays)
        read(Side.FIT, fit)
    fit.set_aside(checkpointer.rows_file)
    if saved is not None and saved.side == Side.TEST.name:
        fit.restore(saved.arrays)  # before the next, which begins with what FIT found
    test = TestPass(fit, settings, stats, tag_reader, sampled, checkpointer.rows_file)
    if saved is not None and saved.side == Side.TEST.name:
        test.restore(saved.arrays)
    saved = None if saved is None else replace(saved, arrays={})  # their memory is free
    read(Side.TEST, test)
    return test.finish()


def _after(
    batches: Iterable[MicroBatch], done: int, report: Progress | None
) -> Iterator[MicroBatch]:
    """All micro-batches but the first ``done``."""
    for number, batch in enumerate(batches):
        if number >= done:
            yield batch
        elif report is not None:
            report.advance(sum(batch.lengths))

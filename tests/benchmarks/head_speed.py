"""Tokens per second of the census pass over heads, beside a bare hooked forward pass; its memory.

    python tests/benchmarks/head_speed.py [--tokens 100000] [--rounds 3] [--out FILE.json]

The census pass is what ``tinyinterp heads`` computes its numbers about patterns from, over all
layers and heads: the sums of FIT and the fit of the surrogates, then scores and cells of TEST. The
bare pass forwards the same micro-batches through the ``HookedTransformer`` of the same model, with
no hook and no cache; its logits are dropped. The floor is what the pass cannot do without: the
matrix products of its linear layers, and of queries with keys and patterns with values, alone, on
tensors of the same shapes. Rounds alternate between the three, the median counts, wall time and
processor time (where other programs run, only the second means something); 1.8 times the speed of
the bare pass and .6 of the floor's is asked for. The patterns are compared first.

Memory is the peak of a census pass in a process of its own, on the tokens asked for and on ten
times as many: at most 5 % more is asked for. It goes with the square of the longest sequence and
with how many of that length come together, which must be the same in both: stories are cut at 256
tokens, and the smaller text should hold the 512 stories that are sorted by length at once (100,000
tokens do).

The text is the bundled stories, again and again with another ending, so that each falls on a side
and into a block of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import torch
from measured import Row, by_round, ratio, report

import tinyinterp
from tinyinterp.head_census.correlation import CellAccumulator
from tinyinterp.head_census.kernel import fit_surrogate
from tinyinterp.head_census.measure import sides
from tinyinterp.head_census.patterns import OnPatterns, pattern_hook
from tinyinterp.head_census.sums import FitAccumulator, ScoreAccumulator
from tinyinterp.model import Model
from tinyinterp.network.config import DecoderConfig
from tinyinterp.scan import hooked_at, scan
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories
from train.reports.memory_step import resident_peak

ASKED_SPEED = 1.8  # times the bare hooked pass
ASKED_OF_PRODUCTS = 0.6  # times the speed of its matrix products alone
ASKED_MEMORY = 1.05  # times the peak on a tenth of the text
LENGTH, MEMORY_LENGTH = 512, 256  # tokens of a sequence at most, for speed and for memory
AGREEMENT = 1e-4  # largest difference between two patterns


def stories() -> Iterator[str]:
    """The bundled stories without end, each round with another last word."""
    for number in count():
        for story in read_stories(bundled_stories()):
            yield story if not number else f"{story} The end, number {number}."


def corpus_for(model: Model, n_tokens: int, length: int = LENGTH) -> Corpus:
    return Corpus("stories again and again", stories, model.tokenizer, length, n_tokens)


def census_pass(model: Model, corpus: Corpus) -> None:
    """Everything about patterns that a table of heads has, but for the bootstrap."""
    config: DecoderConfig = model.config
    survey = corpus.survey()
    fit_side, test_side = sides(survey)
    fit = FitAccumulator(config, survey.longest)
    scan(model.decoder, corpus.micro_batches(fit_side), [OnPatterns(config, [fit])])
    surrogates = [fit_surrogate(fit.sums(layer)) for layer in range(config.n_layers)]
    test, cells = ScoreAccumulator(config, surrogates), CellAccumulator(config, 0)
    scan(model.decoder, corpus.micro_batches(test_side), [OnPatterns(config, [test, cells])])


def bare_pass(model: Model, corpus: Corpus) -> None:
    """The hooked model forwards every micro-batch, and nobody listens."""
    with torch.inference_mode():
        for side in sides(corpus.survey()):
            for batch in corpus.micro_batches(side):
                model.hooked(batch.tokens)


def products_alone(model: Model, corpus: Corpus) -> None:
    """The matrix products of the census pass, up to the last layer's pattern, and nothing else."""
    config: DecoderConfig = model.config
    rows = config.n_heads
    with torch.inference_mode():
        for side in sides(corpus.survey()):
            for batch in corpus.micro_batches(side):
                n_batch, width = batch.tokens.shape
                x = torch.zeros(n_batch * width, config.d_model)
                hidden = torch.zeros(n_batch * width, config.d_mlp)
                z = torch.zeros(n_batch * width, rows * config.d_head)
                heads = torch.zeros(n_batch * rows, width, config.d_head)
                for layer in range(config.n_layers):
                    block = model.decoder.block(layer)
                    for part in (block.attn.q, block.attn.k, block.attn.v):
                        x @ part.weight.T
                    pattern = heads @ heads.mT
                    if layer == config.n_layers - 1:
                        break
                    pattern @ heads
                    z @ block.attn.o.weight.T
                    x @ block.mlp.into_activation.weight.T
                    if block.mlp.gate is not None:
                        x @ block.mlp.up.weight.T
                    hidden @ block.mlp.down.weight.T


def largest_difference(model: Model, corpus: Corpus) -> float:
    """Between the patterns of the decoder and of the hooked model, on the first micro-batch."""
    batch = next(corpus.micro_batches())
    places = [pattern_hook(layer) for layer in range(model.config.n_layers)]
    found: dict[str, list[torch.Tensor]] = {place: [] for place in places}
    for engine in (model.decoder, model.hooked):
        hooks = {place: (lambda value, p=place: found[p].append(value)) for place in places}
        with torch.inference_mode(), hooked_at(engine, hooks):
            engine(batch.tokens)
    return max(float((ours - theirs).abs().max()) for ours, theirs in found.values())


def speeds(n_tokens: int, rounds: int) -> list[Row]:
    """Tokens per second of the three passes, by the clock and by processor time."""
    model = tinyinterp.load()
    corpus = corpus_for(model, n_tokens)
    difference = largest_difference(model, corpus)
    if difference > AGREEMENT:
        raise SystemExit(f"patterns differ by {difference:.2g}; nothing was measured")
    n_read = corpus.survey().tokens
    passes: dict[str, Callable[[Model, Corpus], None]] = {
        "census pass": census_pass,
        "bare HookedTransformer": bare_pass,
        "products alone": products_alone,
    }
    for run in passes.values():  # warms up
        run(model, corpus_for(model, min(n_tokens, 5_000)))
    times: dict[str, list[float]] = {name: [] for name in passes}
    busy: dict[str, list[float]] = {name: [] for name in passes}
    for _ in range(rounds):
        for name, run in passes.items():
            began, began_busy = time.perf_counter(), time.process_time()
            run(model, corpus)
            times[name].append(time.perf_counter() - began)
            busy[name].append(time.process_time() - began_busy)
    rows = by_round(times, n_read, "tokens/s")
    goals = {"bare HookedTransformer": ASKED_SPEED, "products alone": ASKED_OF_PRODUCTS}
    for other, asked in goals.items():
        for kind, taken in (("", times), (", processor time", busy)):
            what = f"census pass beside {other}{kind}"
            rows.append(ratio(what, taken[other], taken["census pass"], f"at least {asked:g}"))
    return rows


def peak(n_tokens: int) -> float:
    """MiB of this process at most, after a census pass over ``n_tokens``."""
    model = tinyinterp.load()
    census_pass(model, corpus_for(model, n_tokens, MEMORY_LENGTH))
    return resident_peak()


def memory(n_tokens: int) -> list[Row]:
    """Peaks on ``n_tokens`` and on ten times as many, each in a process of its own."""
    found = {}
    for tokens in (n_tokens, 10 * n_tokens):
        command = [sys.executable, __file__, "--peak", str(tokens)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[tokens] = (float(done.stdout),)
    small, large = found.values()
    rows = [Row(f"memory, {tokens:,} tokens", "MiB", peaks) for tokens, peaks in found.items()]
    asked = f"at most {ASKED_MEMORY:g}"
    return [*rows, ratio("memory, ten times the tokens beside once", large, small, asked)]


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true", help="measure speed only")
    parser.add_argument("--memory-tokens", type=int, help="of the smaller text; as --tokens")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        sys.stdout.write(f"{peak(options.peak):.1f}\n")
        return
    rows = speeds(options.tokens, options.rounds)
    if not options.no_memory:
        rows += memory(options.memory_tokens or options.tokens)
    about = (
        f"The pass that numbers about patterns come from, on {options.tokens:,} tokens; the same "
        "micro-batches through a HookedTransformer without hooks; and the matrix products alone."
    )
    report("The pass of the census of heads", about, rows, options.out)


if __name__ == "__main__":
    main()

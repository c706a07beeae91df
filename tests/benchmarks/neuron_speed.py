"""Tokens per second of a census of all neurons, beside bare forward passes and the obvious way.

    python tests/benchmarks/neuron_speed.py [--tokens 40000] [--rounds 3] [--threads N] [--cpu]

All read the bundled stories, told again with another end until there are tokens enough, in the same
micro-batches, and in one process, round after round; medians count. The census tokenises, tags and
counts: largest and smallest 20 of every neuron of every layer, hits by tag, AUROC of every tag. The
bare passes are given tokens and do nothing with what comes out; the decoder's weights lie in the
order that the census puts them in (``network/packed.py``). The obvious way is what one would write
with TransformerLens: ``run_with_cache``, ``torch.topk``, dictionaries; it finds the same largest
and smallest activations and the same hits by tag (checked), on fewer tokens, since it is
slow. With ``--cpu`` processor seconds count, on a machine that has other work, too. Memory is the
peak of a process of its own, for all tokens and for a quarter of them.
"""

from __future__ import annotations

import argparse
import heapq
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import torch
from measured import Row, ratio, report

import tinyinterp
from tinyinterp.model import Model
from tinyinterp.network.packed import packed
from tinyinterp.neuron_census import NeuronCensus, NeuronSettings, census_neurons
from tinyinterp.neuron_census.activations import rows_of
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.measure import measure
from tinyinterp.neuron_census.targets import read_targets
from tinyinterp.tagging import TagReader
from tinyinterp.text.cleaning import clean
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import Side
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories
from train.reports.memory_step import resident_peak

TOP = 20
OBVIOUS_TOKENS = 6_000
SETTINGS = NeuronSettings(top=TOP, null_tokens=0)
ASKED = (  # how many times as fast the first is to be as the second; 0: nothing is asked
    ("its pass", "decoder's blocks", 0.9),
    ("its pass", "HookedTransformer", 1.7),
    ("census", "HookedTransformer", 1.0),
    ("census", "the obvious way", 0.0),
)


def text(model: Model, tokens: int) -> Corpus:
    """The bundled stories, then again and again with another last sentence."""

    def stories() -> Iterator[str]:
        for time_told in count():
            for story in read_stories(bundled_stories()):
                yield clean(story) + (f" This was told {time_told} times." if time_told else "")

    return Corpus("bundled, repeated", stories, model.tokenizer, model.config.n_ctx, tokens)


class Obvious:
    """Largest and smallest activations, and hits by tag, with nothing but what is at hand."""

    def __init__(self, model: Model) -> None:
        self.model, self.hooked, self.tag_reader = model, model.hooked, TagReader()
        self.high: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
        self.low: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
        self.hits: dict[tuple[int, int, int], int] = defaultdict(int)

    def read(self, corpus: Corpus) -> None:
        for side in Side:
            levels = {
                layer: torch.tensor([self.high[layer, n][0][0] / 2 for n in range(self._width)])
                for layer in range(self.model.config.n_layers if side is Side.TEST else 0)
            }
            for batch in corpus.micro_batches(side):
                rows = rows_of(batch)
                _, cache = self.hooked.run_with_cache(batch.tokens)
                targets = [row for s in rows.sequences for row in read_targets(self.tag_reader, s)]
                for layer in range(self.model.config.n_layers):
                    values = cache[f"blocks.{layer}.mlp.hook_post"].flatten(0, 1)[rows.rows]
                    self._list(layer, values, rows.ids.tolist())
                    if side is Side.TEST:
                        level = torch.where(levels[layer] > 0, levels[layer], torch.inf)
                        for row, neuron in (values >= level).nonzero().tolist():
                            for target in targets[row]:
                                self.hits[layer, neuron, int(target)] += target >= 0

    @property
    def _width(self) -> int:
        return self.model.config.d_mlp

    def _list(self, layer: int, values: torch.Tensor, ids: list[int]) -> None:
        for lists, sign in ((self.high, 1), (self.low, -1)):
            best = (sign * values).topk(min(TOP, len(ids)), dim=0)
            found = zip(best.values.T.tolist(), best.indices.T.tolist(), strict=True)
            for neuron, (row_values, rows) in enumerate(found):
                new = [(v, -ids[row]) for v, row in zip(row_values, rows, strict=True)]
                lists[layer, neuron] = heapq.nlargest(TOP, lists[layer, neuron] + new)


def same(census: NeuronCensus, obvious: Obvious) -> int:
    """How many of the values listed differ by more than rounding, and hits by more than few."""
    wrong = 0
    for layer, tables in census.layers.items():
        for table, lists, sign in ((tables.top, obvious.high, 1), (tables.bottom, obvious.low, -1)):
            listed = table["activation"].to_numpy().reshape(-1, TOP)
            for neuron, values in enumerate(listed):
                slow = [sign * value for value, _ in lists[layer, neuron]]
                wrong += any(abs(a - b) > 1e-4 for a, b in zip(values, slow, strict=True))
        hits = tables.table["hits"]
        purity = tables.associations["purity"].to_numpy().reshape(len(hits), -1)
        for neuron, n in enumerate(hits):
            for target, share in enumerate(purity[neuron]):
                wrong += abs(share * n - obvious.hits[layer, neuron, target]) > 1 + 0.02 * n
    return wrong


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def compare(tokens: int, rounds: int, clock: Callable[[], float]) -> list[Row]:
    """Tokens per second of each way, and what the census is worth beside them."""
    model = tinyinterp.load()
    hooked = model.hooked
    corpus, few = text(model, tokens), text(model, min(tokens, OBVIOUS_TOKENS))
    found = corpus_stats(corpus)
    batches = [b.tokens for side in Side for b in corpus.micro_batches(side)]
    some = list(islice(batches, 4))
    n_few = corpus_stats(few).tokens
    decoder = model.decoder

    def bare(forward: Callable[[torch.Tensor], object], given: list[torch.Tensor]) -> None:
        with torch.inference_mode():
            for batch in given:
                forward(batch)

    def bare_packed() -> None:
        with packed(decoder):
            bare(decoder.residual, batches)

    def quick() -> None:
        measure(decoder, corpus, SETTINGS, found, TagReader())

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "census": (found.tokens, lambda: census_neurons(model, corpus, SETTINGS)),
        "its pass": (found.tokens, quick),
        "decoder's blocks": (found.tokens, bare_packed),
        "HookedTransformer": (found.tokens, lambda: bare(hooked, batches)),
        "the obvious way": (n_few, lambda: Obvious(model).read(few)),
    }
    for forward in (decoder, hooked):  # once unmeasured, on little
        bare(forward, some)
    obvious = Obvious(model)
    obvious.read(few)
    if different := same(census_neurons(model, few, SETTINGS), obvious):
        raise SystemExit(f"{different} differences from the obvious way; nothing was measured")
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, (n, work) in ways.items():
            rates[name].append(n / seconds(work, clock))
    rows = [Row(name, "tokens/s", tuple(found)) for name, found in rates.items()]
    for ours, theirs, asked in ASKED:
        goal = f"at least {asked:g}" if asked else ""
        rows.append(ratio(f"{ours} beside {theirs}", rates[ours], rates[theirs], goal))
    return rows


def peak(tokens: int) -> float:
    """MiB that a census in a process of its own has at most."""
    words = [sys.executable, __file__, "--only-census", "--tokens", str(tokens)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--tokens", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="default: as many as torch takes")
    parser.add_argument("--cpu", action="store_true", help="count processor seconds")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only-census", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.only_census:
        model = tinyinterp.load()
        census_neurons(model, text(model, options.tokens), SETTINGS)
        sys.stdout.write(f"{resident_peak()}\n")
        return
    clock = time.process_time if options.cpu else time.perf_counter
    rows = compare(options.tokens, options.rounds, clock)
    for part in (4, 1):
        tokens = options.tokens // part
        rows.append(Row(f"memory, {tokens:,} tokens", "MiB", (peak(tokens),)))
    kind = "processor time" if options.cpu else "the clock"
    about = (
        f"All layers on {options.tokens:,} tokens, without null models, by {kind}: the census with "
        "its tables, its pass alone, and passes that do nothing with what they compute."
    )
    report("The census of neurons", about, rows, options.out)


if __name__ == "__main__":
    main()

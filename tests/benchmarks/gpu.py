"""One run on a machine with a card: is it right, and how fast is it? It writes a JSON and a page.

    python tests/benchmarks/gpu.py [--device cuda] [--minutes 8] [--out FOLDER]
    python tests/benchmarks/gpu.py --device cpu --dry        # everything once, tiny

The parts, in this order; one that would begin after the time is up is left out, and the page says
so. All figures are medians of several rounds in one run.

    tests       those marked ``cuda``
    products    the card's own rate of large matrix products, fp32 and bf16
    training    tokens per second of ``gptneo-41m`` and ``tinystories-28m`` and their share of the
                bf16 rate (45 % is asked for): eager, compiled, and compiled with CUDA graphs
    heads       the pass of the census beside a bare ``HookedTransformer`` on the same card (5 times
                is asked for): the bundled model, and a random one of GPT-2's size
    neurons     the same of the census of neurons, all layers
    agreement   the tables of the CPU beside those of the card: labels, and the largest difference

Peak memory is the allocator's, of each part. ``gpu.json`` and ``gpu.md`` are rewritten after each
part, so that a run that is cut short leaves what it had.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import tinyinterp
from tinyinterp import checkpoint
from tinyinterp.devices import choose_device, described
from tinyinterp.head_census import HeadSettings, census_heads
from tinyinterp.head_census.measure import measure as measure_heads
from tinyinterp.head_census.measure import sides
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census import NeuronSettings, census_neurons
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.measure import measure as measure_neurons
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories
from train.data.batches import Batch
from train.reports.memory_step import bare_step
from train.training.build import build_model
from train.training.loss import LossModule
from train.training.optimizers import build_optimizers
from train.training.recipe_file import read_recipe
from train.training.speed import flops_per_token, matmul_rate

ROOT = Path(__file__).parents[2]
CUDA_TESTS = ROOT / "tests" / "test_cuda.py"
ASKED_SHARE, ASKED_SPEED, CLOSE = 0.45, 5.0, 1e-4
GPT2 = DecoderConfig(50257, 1024, 768, 12, 12, architecture="gpt2")
WAYS = {"eager": None, "compiled": "default", "compiled, CUDA graphs": "reduce-overhead"}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done.

    Args:
        tokens: of the text, for the passes over the bundled model; a quarter for the larger one.
        compared: of the text, for the tables of the CPU and the card.
        length: tokens of a sequence, at most.
        rounds: of each pass; training takes ten times as many steps.
        recipes: that are trained, with their changes.
        rows: sequences of a training step.
        larger: the shape of the random model.
    """

    tokens: int = 60_000
    compared: int = 4_000
    length: int = 512
    rounds: int = 3
    recipes: tuple[tuple[str, tuple[str, ...]], ...] = (("gptneo-41m", ()), ("tinystories-28m", ()))
    rows: int = 32
    larger: DecoderConfig = GPT2


TINY = Sizes(
    tokens=400,
    compared=300,
    length=64,
    rounds=1,
    recipes=(("tiny", ("model.n_ctx=32",)),),
    rows=2,
    larger=DecoderConfig(8192, 64, 24, 2, 2, architecture="gpt2"),
)


class Bench:
    """The parts of a run and what they found."""

    def __init__(self, device: torch.device, sizes: Sizes, out: Path, *, dry: bool) -> None:
        self.device, self.sizes, self.out, self.dry = device, sizes, out, dry
        self.found: dict[str, Any] = {}

    def seconds(self, work: Callable[[], object], rounds: int | None = None) -> float:
        """The median time of a piece of work, after one that warms up."""
        taken = []
        for number in range((rounds or self.sizes.rounds) + 1):
            self._wait()
            began = time.perf_counter()
            work()
            self._wait()
            if number:
                taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def tests(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", str(CUDA_TESTS)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False
        )
        return {"passed": done.returncode == 0, "said": done.stdout.splitlines()[-15:]}

    def products(self) -> dict[str, Any]:
        kinds = {"bf16": torch.bfloat16, "fp32": torch.float32}
        return {name: matmul_rate(self.device, kind) for name, kind in kinds.items()}

    def training(self) -> dict[str, Any]:
        best = self.found["products"]["bf16"]
        found: dict[str, Any] = {}
        for name, changes in self.sizes.recipes:
            for way, mode in WAYS.items():
                if self.device.type == "cuda" or mode is None:
                    found[f"{name}, {way}"] = self._step(name, changes, mode, best)
        return found

    def _step(
        self, name: str, changes: tuple[str, ...], mode: str | None, best: float
    ) -> dict[str, float]:
        recipe = read_recipe(name, [*changes, "model.dropout=0.0"])
        model = build_model(recipe).to(self.device).train()
        module = LossModule(model, recipe.objective, torch.bfloat16)
        if mode is not None:
            module._features = torch.compile(model.features, mode=mode)
        optimizers = build_optimizers(model, recipe.optimizer)
        width = model.config.n_ctx
        tokens = torch.randint(model.config.n_vocab, (self.sizes.rows, width + 1)).to(self.device)
        batch = Batch(tokens[:, :-1], tokens[:, 1:])
        taken = self.seconds(lambda: bare_step(module, optimizers, batch), 10 * self.sizes.rounds)
        speed = self.sizes.rows * width / taken
        return {"tokens/s": speed, "share": speed * flops_per_token(model, width) / best}

    def heads(self) -> dict[str, Any]:
        def work(model: Model, corpus: Corpus) -> None:
            measure_heads(model.decoder, model.config, corpus, seed=0, with_looks_at=False)

        return self._beside_hooked(work)

    def neurons(self) -> dict[str, Any]:
        settings = NeuronSettings(null_tokens=0)
        tag_reader = settings.open_tag_reader()

        def work(model: Model, corpus: Corpus) -> None:
            measure_neurons(model.decoder, corpus, settings, corpus_stats(corpus), tag_reader)

        return self._beside_hooked(work)

    def _beside_hooked(self, work: Callable[[Model, Corpus], None]) -> dict[str, Any]:
        found = {}
        for name, model, n_tokens in self._models():
            corpus = self._corpus(model, n_tokens)
            read = corpus.survey().tokens
            ours = self.seconds(lambda m=model, c=corpus: work(m, c))
            theirs = self.seconds(lambda m=model, c=corpus: _bare(m, c, self.device))
            found[name] = {"tokens/s": read / ours, "hooked": read / theirs, "times": theirs / ours}
        return found

    def _models(self) -> Iterator[tuple[str, Model, int]]:
        bundled, device = tinyinterp.load(device=str(self.device)), str(self.device)
        yield "bundled", bundled, self.sizes.tokens
        with TemporaryDirectory() as folder:
            self._write_random(Path(folder), bundled)
            larger = tinyinterp.load(folder, device=device)
            yield "random, the size of GPT-2", larger, self.sizes.tokens // 4

    def _write_random(self, folder: Path, bundled: Model) -> None:
        decoder = Decoder(self.sizes.larger).initialize(torch.Generator().manual_seed(0))
        checkpoint.save(folder, decoder.eval(), bundled.tokenizer, {"step": 0})

    def _corpus(self, model: Model, n_tokens: int) -> Corpus:
        length = min(self.sizes.length, model.config.n_ctx)
        return Corpus("stories again and again", _stories, model.tokenizer, length, n_tokens)

    def agreement(self) -> dict[str, Any]:
        with TemporaryDirectory() as folder:
            if self.dry:
                self._write_random(Path(folder), tinyinterp.load())
            ckpt = folder if self.dry else None
            both = [tinyinterp.load(ckpt, device=name) for name in ("cpu", str(self.device))]
        tables: dict[str, Callable[[Model, Corpus], Table]] = {
            "heads": lambda m, c: (
                census_heads(m, c, HeadSettings(causal=not self.dry, null_tokens=200)).table
            ),
            "neurons": lambda m, c: census_neurons(m, c, NeuronSettings(null_tokens=0)).table,
        }
        return {
            name: _compared(*(take(m, self._corpus(m, self.sizes.compared)) for m in both))
            for name, take in tables.items()
        }

    def run(self, minutes: float) -> None:
        """Take every part for which there is time, and write after each."""
        began = time.perf_counter()
        self.found["about"] = {
            "device": described(self.device),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "machine": platform.platform(),
            "dry": self.dry,
            "sizes": asdict(self.sizes),
        }
        parts = (
            self.tests, self.products, self.training, self.heads, self.neurons, self.agreement,
        )  # fmt: skip
        for part in parts:
            name, start = part.__name__, time.perf_counter()
            if start - began > 60 * minutes:
                self.found[name] = {"left out": "the time was up"}
                self.write()
                continue
            if self.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self.device)
            try:
                self.found[name] = part()
            # Time on a card is short: no part that fails, whatever the reason, may cost the rest.
            # Its error stands in the results in place of its numbers, and the run exits with 1.
            except Exception as error:  # noqa: BLE001
                self.found[name] = {"failed": f"{type(error).__name__}: {error}"[:2000]}
            if self.device.type == "cuda":
                peak = torch.cuda.max_memory_allocated(self.device) / 2**30
                self.found[name]["peak GiB"] = round(peak, 3)
            self.found[name]["seconds"] = round(time.perf_counter() - start, 1)
            self.write()

    def write(self) -> None:
        """The JSON and the page."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "gpu.json").write_text(json.dumps(self.found, indent=1) + "\n", "utf-8")
        (self.out / "gpu.md").write_text(page(self.found), "utf-8")


def _stories() -> Iterator[str]:
    """The bundled stories without end, each round with another last word."""
    for number in count():
        for story in read_stories(bundled_stories()):
            yield story if not number else f"{story} The end, number {number}."


def _bare(model: Model, corpus: Corpus, device: torch.device) -> None:
    with torch.inference_mode():
        for side in sides(corpus.survey()):
            for batch in corpus.micro_batches(side):
                model.hooked(batch.tokens.to(device))


def _compared(one: Table, other: Table) -> dict[str, Any]:
    """How many words and counts differ, and the largest difference of two numbers."""
    differ, largest, where = 0, 0.0, ""
    for x, y in zip(one, other, strict=True):
        for name, value in x.items():
            if not isinstance(value, float):
                differ += value != y[name]
            elif math.isfinite(value) and math.isfinite(y[name]):
                if abs(value - y[name]) > largest:
                    largest, where = abs(value - y[name]), name
            else:
                differ += not (value == y[name] or (math.isnan(value) and math.isnan(y[name])))
    kinds = sum(x["kind"] != y["kind"] for x, y in zip(one, other, strict=True))
    found = {"rows": len(one), "kinds that differ": kinds, "words and counts that differ": differ}
    return found | {"largest difference": largest, "in": where, "close": largest <= CLOSE}


def page(found: dict[str, Any]) -> str:
    """All figures in tables, a part each."""
    about = found["about"]
    lines = [f"# {about['device']}", "", f"torch {about['torch']}, {about['machine']}."]
    if about["dry"]:
        lines += ["", "A dry run on tiny shapes: its figures mean nothing."]
    asked = {"training": f"a share of {ASKED_SHARE:.0%}", "heads": f"{ASKED_SPEED:.0f} times"}
    asked["neurons"], asked["agreement"] = asked["heads"], f"a difference of at most {CLOSE:.0e}"
    for part, figures in found.items():
        if part == "about":
            continue
        lines += ["", f"## {part}", ""]
        if part in asked:
            lines += [f"Asked for: {asked[part]}.", ""]
        lines += ["| | |", "| --- | --- |"]
        for name, value in figures.items():
            inner = value.items() if isinstance(value, dict) else [("", value)]
            lines += [f"| {name} {label}".rstrip() + f" | {_shown(v)} |" for label, v in inner]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if isinstance(value, list):
        return " ".join(str(each).replace("|", "/") for each in value[-2:])
    return str(value).replace("|", "/").replace("\n", " ")


def main(arguments: list[str] | None = None) -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--dry", action="store_true", help="tiny shapes, everything once")
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    given = parser.parse_args(arguments)
    sizes = TINY if given.dry else Sizes()
    bench = Bench(choose_device(given.device), sizes, given.out, dry=given.dry)
    bench.run(given.minutes - 1)  # a part that has begun takes up to a minute
    sys.stdout.write((given.out / "gpu.md").read_text("utf-8"))
    if failed := [name for name, figures in bench.found.items() if "failed" in figures]:
        sys.exit(f"failed: {', '.join(failed)}; the page has each error")


if __name__ == "__main__":
    main()

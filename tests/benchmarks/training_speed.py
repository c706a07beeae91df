"""Tokens per second and peak memory of a training step, beside a plain loop over transformers.

    python tests/benchmarks/training_speed.py [--rounds 5] [--steps 3] [--nanogpt model.py]
        [--out FILE.json]

Both train the bundled shape (8 layers of 256, 8,192 tokens) on the same random tokens: ours as the
trainer does it, the plain loop as one would write it: ``GPTNeoForCausalLM``, its own loss, AdamW.
Each way runs in a process of its own: ours with what :mod:`tinyinterp.allocator` sets, the others
with the system's way of giving out memory. Rounds alternate between the ways, the median counts.
Memory is the peak of such a process, less what it held before the model was built. ``products
alone`` is a floor: the matrix products of a step in bf16 and nothing else, which no way of writing
the step can beat.

With ``--nanogpt``, the path of nanoGPT's ``model.py``, its ``GPT`` of the same shape joins in, with
the optimizer that it configures itself, compiled as its trainer does by default; and once more
with our way of keeping freed memory, so that what the step itself saves can be told from it.
"""

from __future__ import annotations

import argparse
import os
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from measured import Row, by_round, ratio, report

from tinyinterp.checkpoint import config_to_hugging_face
from tinyinterp.network.config import DecoderConfig
from train.data.batches import Batch
from train.reports.memory_step import bare_step, resident_peak
from train.training.build import attend_by_blocks, build_model
from train.training.loss import LossModule
from train.training.optimizers import build_optimizers
from train.training.recipe import Recipe
from train.training.recipe_file import read_recipe

SHAPES = ((16, 256), (4, 512))  # sequences, positions
ASKED = 1.5  # times the tokens per second of nanoGPT
WAYS = ("ours adamw bf16", "ours muon bf16", "plain bf16", "plain fp32")
PEER, PEER_KEEPING = "nanoGPT, compiled", "nanoGPT, compiled, keeping freed memory"
AS_IT_IS = {"GLIBC_TUNABLES": "glibc.malloc.perturb=0"}  # its default; so tinyinterp sets nothing
Way = Callable[[int, int, int], float]  # rows, positions and steps to the seconds of a step


def recipe(way: str) -> Recipe:
    """The bundled recipe without dropout, which the plain loop has not either."""
    name = "muon" if "muon" in way else "adamw"
    return read_recipe("bundled", ["model.dropout=0.0", f"optimizer.name={name}"])


def ours(way: str) -> Callable[[torch.Tensor], float]:
    """One step of the trainer: chunked cross-entropy, explicit attention in bf16, clipping."""
    settings = recipe(way)
    model = build_model(settings)
    attend_by_blocks(model)
    loss_module = LossModule(model, settings.objective, torch.bfloat16)
    optimizers = build_optimizers(model, settings.optimizer)

    def step(rows: torch.Tensor) -> float:
        return bare_step(loss_module, optimizers, Batch(rows[:, :-1], rows[:, 1:]))

    return step


def plain(way: str) -> Callable[[torch.Tensor], float]:
    """The loop one would write over transformers."""
    from transformers import GPTNeoConfig, GPTNeoForCausalLM

    settings: Any = recipe(way).model
    raw = config_to_hugging_face(settings, None, torch.float32)
    model = GPTNeoForCausalLM(GPTNeoConfig(**raw))
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.1)

    def step(rows: torch.Tensor) -> float:
        mixed = torch.autocast("cpu", torch.bfloat16) if "bf16" in way else nullcontext()
        with mixed:
            loss = model(rows[:, :-1], labels=rows[:, :-1]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


def nanogpt(path: Path) -> Callable[[torch.Tensor], float]:
    """A step of nanoGPT's own model and optimizer, compiled, in bf16."""
    shape, given = recipe("ours adamw bf16").model, runpy.run_path(str(path))
    assert isinstance(shape, DecoderConfig)
    sizes = {"n_layer": shape.n_layers, "n_head": shape.n_heads, "n_embd": shape.d_model}
    config = given["GPTConfig"](
        block_size=shape.n_ctx, vocab_size=shape.n_vocab, dropout=0.0, bias=True, **sizes
    )
    model = given["GPT"](config)
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.95), "cpu")
    compiled = torch.compile(model)

    def step(rows: torch.Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            _, loss = compiled(rows[:, :-1], rows[:, 1:].contiguous())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def make(way: str, peer: Path | None = None) -> Callable[[torch.Tensor], float]:
    if peer is not None and way.startswith(PEER):
        return nanogpt(peer)
    return ours(way) if way.startswith("ours") else plain(way)


def serve(way: str, peer: Path | None) -> None:
    """Take steps as the lines of standard input ask for, and answer with their seconds."""
    step = make(way, peer)
    for line in sys.stdin:
        n_rows, n_positions, n_steps = map(int, line.split())
        rows = rows_of(n_rows, n_positions)
        began = time.perf_counter()
        for _ in range(n_steps):
            step(rows)
        print("seconds", (time.perf_counter() - began) / n_steps, flush=True)  # noqa: T201


@contextmanager
def process_of(way: str, peer: Path | None) -> Iterator[Way]:
    """A process that takes steps one way when it is asked to."""
    own = {} if way.startswith("ours") or way == PEER_KEEPING else AS_IT_IS
    command = [sys.executable, __file__, "--serve", way]
    command += ["--nanogpt", str(peer)] if peer is not None else []
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **own},
    ) as process:
        words, answers = process.stdin, process.stdout
        assert words is not None
        assert answers is not None

        def take(*asked: int) -> float:
            words.write(" ".join(map(str, asked)) + "\n")
            words.flush()
            said = next(line for line in answers if line.startswith("seconds"))
            return float(said.split()[1])

        try:
            yield take
        finally:
            words.close()


def rows_of(n_rows: int, n_positions: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randint(8192, (n_rows, n_positions + 1), generator=generator)


def speeds(rounds: int, steps: int, peer: Path | None) -> list[Row]:
    """Tokens per second of each way, by shape, and ours beside the others."""
    named = WAYS if peer is None else (*WAYS, PEER, PEER_KEEPING)
    with ExitStack() as processes:
        ways = {way: processes.enter_context(process_of(way, peer)) for way in named}
        return [row for shape in SHAPES for row in speeds_at(ways, *shape, rounds, steps)]


def speeds_at(
    ways: dict[str, Way], n_rows: int, n_positions: int, rounds: int, steps: int
) -> list[Row]:
    """The same at one shape."""
    shape = f"{n_rows} x {n_positions}"
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):  # the first warms up
        for way, take in ways.items():
            seconds = take(n_rows, n_positions, steps)
            if number:
                times[way].append(seconds)
    floor = [products_alone(n_rows, n_positions) for _ in range(rounds)]
    named = {f"{shape}: {way}": taken for way, taken in times.items()}
    found = by_round(named | {f"{shape}: products alone": floor}, n_rows * n_positions, "tokens/s")
    own = times[WAYS[0]]
    found.append(ratio(f"{shape}: ours beside plain bf16", times["plain bf16"], own))
    found.append(ratio(f"{shape}: ours beside products alone", floor, own))
    if PEER in times:
        asked = f"at least {ASKED}"
        found.append(ratio(f"{shape}: ours beside nanoGPT", times[PEER], own, asked))
        what = f"{shape}: ours beside nanoGPT keeping freed memory"
        found.append(ratio(what, times[PEER_KEEPING], own, asked))
    return found


def products_alone(n_rows: int, n_positions: int) -> float:
    """Seconds of the matrix products of a step: each once forward, twice for its gradients."""
    shape: Any = recipe("ours adamw bf16").model
    n_tokens, d = n_rows * n_positions, shape.d_model
    linear = [(d, 3 * d), (d, d), (d, 4 * d), (4 * d, d)] * shape.n_layers + [(d, shape.n_vocab)]
    total = 0.0
    for d_in, d_out in linear:
        x, weight, y = _random(n_tokens, d_in), _random(d_in, d_out), _random(n_tokens, d_out)
        total += _median_seconds(lambda x=x, weight=weight: x @ weight)
        total += _median_seconds(lambda y=y, weight=weight: y @ weight.T)
        total += _median_seconds(lambda x=x, y=y: x.T @ y)
    q = _random(n_rows * shape.n_heads, n_positions, shape.d_head)
    pattern = _random(n_rows * shape.n_heads, n_positions, n_positions)
    attention = _median_seconds(lambda: q @ q.mT) + _median_seconds(lambda: pattern @ q)
    return total + 3 * shape.n_layers * attention / 2  # half of the keys are in the future


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(shape).bfloat16()


def _median_seconds(product: Callable[[], torch.Tensor], times: int = 7) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        product()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def peak(way: str, n_rows: int, n_positions: int) -> float:
    """MiB that two steps add to the peak of this process."""
    from transformers import GPTNeoForCausalLM  # in both, so that both start alike

    del GPTNeoForCausalLM
    before = resident_peak()
    step = make(way)
    for _ in range(2):
        step(rows_of(n_rows, n_positions))
    return resident_peak() - before


def memory() -> list[Row]:
    """Peak of each way, by shape, each in a process of its own."""
    found = []
    for n_rows, n_positions in SHAPES:
        for way in WAYS:
            command = [sys.executable, __file__, "--peak", way, str(n_rows), str(n_positions)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            what = f"{n_rows} x {n_positions}: {way}, memory of a step"
            found.append(Row(what, "MiB", (float(done.stdout),)))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--nanogpt", type=Path, help="nanoGPT's model.py, to be measured beside")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--serve", choices=(*WAYS, PEER, PEER_KEEPING), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.nanogpt)
        return
    if options.peak:
        way, n_rows, n_positions = options.peak
        sys.stdout.write(f"{peak(way, int(n_rows), int(n_positions)):.1f}\n")
        return
    rows = speeds(options.rounds, options.steps, options.nanogpt) + memory()
    about = "A step of the bundled shape (8 layers of 256, 8,192 tokens), sequences x positions."
    report("Training", about, rows, options.out)


if __name__ == "__main__":
    main()

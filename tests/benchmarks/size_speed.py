"""Whole commands on three sizes of model and three lengths of text: seconds and files.

    python tests/benchmarks/size_speed.py [--out FILE.json]

Models have random weights; the last has the shape of GPT-2 small. ``neurons --layer all`` with its
null models and ``heads --quick`` run in a process of their own each, on the bundled stories, and
write into a temporary folder. Their speed is tokens of the text over wall seconds, starting and
writing included, though the null models read as much again; beside it stands a bare
``HookedTransformer`` that only reads. One round each: differences below a tenth mean nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import torch
from commands import run
from measured import Row, ratio, report

import tinyinterp
from tinyinterp import checkpoint
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder

SIZES = {
    "8 layers of 256": DecoderConfig(50257, 1024, 256, 8, 8, architecture="gpt2"),
    "4 layers of 768": DecoderConfig(50257, 1024, 768, 4, 12, architecture="gpt2"),
    "12 layers of 768": DecoderConfig(50257, 1024, 768, 12, 12, architecture="gpt2"),
}
LENGTHS = (5_000, 10_000, 20_000)
QUICK = 8_192  # tokens that ``heads --quick`` reads
BARE = 2_048  # tokens that the bare pass reads, in sequences of 256


def bare(folder: Path) -> float:
    """Tokens per second of a HookedTransformer without hooks."""
    hooked = tinyinterp.load(folder).hooked
    rows = torch.randint(8192, (8, 256), generator=torch.Generator().manual_seed(7))
    with torch.inference_mode():
        hooked(rows)
        began = time.perf_counter()
        for row in rows.split(4):
            hooked(row)
    return BARE / (time.perf_counter() - began)


def measured(folder: Path, *words: str) -> tuple[float, float]:
    """Wall seconds, and MiB of files, of a command on a model."""
    with tempfile.TemporaryDirectory() as out:
        taken, _, _ = run(*words, "--ckpt", str(folder), "--out", f"{out}/out")
        files = sum(file.stat().st_size for file in Path(out, "out").rglob("*") if file.is_file())
    return taken, files / 2**20


def rows_of(name: str, folder: Path, *, largest: bool) -> list[Row]:
    """What was measured on one model; of the largest, what is asked for."""
    plain = bare(folder)
    rows = [Row(f"{name}: HookedTransformer", "tokens/s", (plain,))]
    for tokens in LENGTHS:
        words = ("neurons", "--layer", "all", "--tokens", str(tokens))
        taken, files = measured(folder, *words)
        what, asked = f"{name}: neurons, {tokens:,} tokens", largest and tokens == LENGTHS[-1]
        rows += [
            Row(what, "s", (taken,)),
            Row(f"{what}, files", "MiB", (files,), "at most 80 MiB" if asked else ""),
        ]
        goal = "at least 1" if asked else ""
        rows.append(ratio(f"{what}, beside HookedTransformer", (tokens / taken,), (plain,), goal))
    taken, _ = measured(folder, "heads", "--quick")
    what = f"{name}: heads --quick"
    rows.append(Row(what, "s", (taken,)))
    goal = "at least 0.6" if largest else ""
    rows.append(ratio(f"{what}, beside HookedTransformer", (QUICK / taken,), (plain,), goal))
    return rows


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    for number, (name, config) in enumerate(SIZES.items()):
        with tempfile.TemporaryDirectory() as folder:
            decoder = Decoder(config).initialize(torch.Generator().manual_seed(0)).eval()
            place = Path(folder, "model")
            checkpoint.save(place, decoder, tinyinterp.load().tokenizer, {"step": 0})
            rows += rows_of(name, place, largest=number == len(SIZES) - 1)
        sys.stderr.write(f"{name}: done\n")
    about = " ".join(__doc__.split("\n\n")[2].split()).replace("``", "`")
    report("Sizes and lengths", about, rows, options.out)


if __name__ == "__main__":
    main()

"""Train every model that the studies compare, under one budget of positions.

    python -m analyses.train_models --text train.txt --out runs/studies
        [--positions 2867200] [--learning-rate 1e-3] [--only NAME ...] [--list]

All models read the same stories under the same byte-level BPE, in an order that the seed shuffles:
micro-batches of 4,096 positions, one a step, as far as the budget goes; AdamW, bf16, warm-up and
cosine are those of the recipes. Stories fill nine tenths of the positions: the default budget is
2.5 million tokens. The learning rate is one for all, a compromise: after a few steps 128-8-4 was
best at 4e-3 and 512-8-4 at 1e-3 of 1e-3, 2e-3 and 4e-3. The instruct models read the same stories,
each after an instruction derived from it (:mod:`analyses.instruct_examples`).

A model that is finished is skipped and one that was stopped resumes, so the same command goes on
after anything. ``models.json`` in the folder says of each model what it was trained on, and where.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analyses.instruct_examples import write_derived
from tinyinterp.io.files import write_text
from tinyinterp.model import load_any

VOCABULARY = 8_192
STEP = 4_096  # positions
POSITIONS = 700 * STEP
LEARNING_RATE = 1e-3
WARM_UP = 50
SIZES = ("128-8-4", "128-12-4", "256-8-2", "256-8-4", "256-8-8", "256-12-4", "512-8-4", "512-12-4")
TWICE = ("128-8-4", "128-12-4", "256-8-4")  # also trained with seed 1
RECORDS = "models.json"


@dataclass(frozen=True)
class Planned:
    """A model to be trained.

    Args:
        name: of its folder.
        recipe: of the project.
        changes: to the recipe, beyond those that all share.
        seed: of the weights and of the order of the stories.
        instruct: whether each story follows an instruction.
    """

    name: str
    recipe: str
    changes: tuple[str, ...] = ()
    seed: int = 0
    instruct: bool = False


def plan() -> list[Planned]:
    """All models: the sizes first, what is 512 wide beside them last."""
    models = [Planned(size, f"report-{size}") for size in SIZES]
    models += [Planned(f"{size}-seed1", f"report-{size}", seed=1) for size in TWICE]
    for width in (128, 256, 512):
        if width > 128:
            models += _contrastive(f"{width}-8-4")
        models.append(Planned(f"compressor-{width}", f"compressor-{width}"))
        size = f"{width}-8-4"
        models.append(Planned(f"{size}-instruct", f"report-{size}-instruct", instruct=True))
    return models


def _contrastive(size: str) -> Iterator[Planned]:
    for alpha in (5.0, 0.3):
        yield Planned(
            f"{size}-contrastive-{alpha:g}",
            f"report-{size}-contrastive",
            (f"objective.contrast={alpha}",),
        )


def main() -> None:
    """Prepare the data, then train one model after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="stories to train on")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"))
    parser.add_argument("--positions", type=int, default=POSITIONS, help="of tokens and padding")
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    models = [each for each in plan() if not options.only or each.name in options.only]
    if options.list:
        print("\n".join(each.name for each in models))
        return
    data = prepare(options.text, options.out)
    for model in models:
        begun = time.monotonic()
        done = train(model, data[model.instruct], options)
        if done is not None:
            keep(options.out, model, done | {"seconds": round(time.monotonic() - begun)})


def prepare(text: Path, out: Path) -> dict[bool, Path]:
    """The token files of the plain stories, and of those with instructions, by the same BPE."""
    data = {False: out / "data", True: out / "data-instruct"}
    if not data[False].exists():
        _run("prepare", "--text", text, "--bpe", VOCABULARY, "--out", data[False])
    if not data[True].exists():
        examples = out / "instruct.txt"
        write_derived(text, examples)
        tokenizer = ("--tokenizer", data[False] / "tokenizer")
        _run("prepare", "--text", examples, "--instruct", *tokenizer, "--out", data[True])
    return data


def train(model: Planned, data: Path, options: argparse.Namespace) -> dict[str, Any] | None:
    """Train one; None if it was finished before.

    Raises:
        subprocess.CalledProcessError: the trainer failed, and has said why.
    """
    folder = options.out / model.name
    steps = options.positions // STEP
    if model.name in records(options.out):
        print(f"{model.name}: finished before", flush=True)
        return None
    shared = (
        f"model.n_vocab={VOCABULARY}",
        f"data.batch_tokens={STEP}",
        "data.accumulation=1",
        f"optimizer.learning_rate={options.learning_rate}",
        f"schedule.steps={steps}",
        f"schedule.warmup={WARM_UP}",
        f"run.seed={model.seed}",
        "run.evaluate_every=100",
        "run.save_every=100",
    )
    changes = (*shared, *model.changes)
    said = _run("run", model.recipe, *changes, "--data", data, "--out", folder, "--json")
    result = json.loads(said)
    print(f"{model.name}: {result['best_bits_per_byte']:.4f} bits per byte held out", flush=True)
    return {
        "changes": changes,
        "positions": steps * STEP,
        "tokens": tokens_seen(folder),
        "held_out_bits_per_byte": result["best_bits_per_byte"],
        "fingerprint": load_any(folder).fingerprint,
        "processor": processor(),
    }


def tokens_seen(folder: Path) -> int:
    """How many tokens a model was trained on, by its log."""
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    return max(json.loads(line).get("tokens", 0) for line in lines)


def records(out: Path) -> dict[str, dict[str, Any]]:
    """What is known of the models that are finished, by name."""
    path = out / RECORDS
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def keep(out: Path, model: Planned, done: dict[str, Any]) -> None:
    """Add a model to the records."""
    known = records(out) | {model.name: asdict(model) | done}
    write_text(out / RECORDS, json.dumps(known, indent=1) + "\n")


def processor() -> str:
    """The name of this machine's processor, as far as it gives one."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _run(*words: object) -> str:
    command = [sys.executable, "-m", "train", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own words


if __name__ == "__main__":
    main()

"""Train every model that the studies compare, under one budget of positions.

    python -m analyses.train_models --text train.txt --out runs/studies
        [--positions 2867200] [--learning-rate 1e-3] [--only NAME ...] [--list]
        [--parallel 1] [--minutes M] [--archive FILE]

All models read the same stories under the same byte-level BPE, in an order that the seed shuffles:
micro-batches of 4,096 positions, one a step, as far as the budget goes; AdamW, bf16, warm-up and
cosine are those of the recipes. Stories fill nine tenths of the positions: the default budget is
2.5 million tokens. The learning rate is one for all, a compromise: after a few steps 128-8-4 was
best at 4e-3 and 512-8-4 at 1e-3 of 1e-3, 2e-3 and 4e-3. The instruct models read the same stories,
each after an instruction derived from it (:mod:`analyses.instruct_examples`).

A model that is finished is skipped and one that was stopped resumes, so the same command goes on
after anything. ``models.json`` in the folder says of each model what it was trained on, and where.

``--parallel`` trains several models side by side, which one card has room for; when ``--minutes``
are up, those that are not finished are saved and nothing new begins; ``--archive`` puts what the
studies read of the finished ones into one file (:mod:`analyses.archive`).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analyses.archive import write_archive
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
FOLLOWED = "256-8-4"  # whose snapshots a study reads
GPT_NEO = "gptneo-41m"  # the model of the first document
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
    models.append(Planned(GPT_NEO, GPT_NEO, ("data.sampler=stories",)))  # as all others read
    return models


def _contrastive(size: str) -> Iterator[Planned]:
    for alpha in (5.0, 0.3):
        yield Planned(
            f"{size}-contrastive-{alpha:g}",
            f"report-{size}-contrastive",
            (f"objective.contrast={alpha}",),
        )


def main() -> None:
    """Prepare the data, train the models, and put them into one file."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, help="stories to train on")
    parser.add_argument("--out", type=Path, default=Path("runs/studies"))
    parser.add_argument("--positions", type=int, default=POSITIONS, help="of tokens and padding")
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--parallel", type=int, default=1, help="models at a time")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop and save after these")
    parser.add_argument("--archive", type=Path, help="tar file of the finished models")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    models = [each for each in plan() if not options.only or each.name in options.only]
    if unknown := set(options.only or ()) - {each.name for each in models}:
        parser.error(f"no model is called {', '.join(sorted(unknown))}; --list names them")
    if options.list:
        print("\n".join(each.name for each in models))
        return
    if options.parallel < 1:
        parser.error("--parallel is at least 1")
    if options.text is None and not all(path.exists() for path in data_of(options.out).values()):
        parser.error("--text FILE is needed")
    try:
        data = prepare(options.text, options.out)
    except subprocess.CalledProcessError:  # the trainer has said why
        parser.exit(1, "the data could not be prepared\n")
    failed = train_all(models, data, options, until)
    if options.archive is not None:
        finished = [each.name for each in plan() if each.name in records(options.out)]
        write_archive(options.archive, options.out, finished, followed=(FOLLOWED,))
    if failed:
        parser.exit(1, f"failed: {', '.join(failed)}\n")


def data_of(out: Path) -> dict[bool, Path]:
    """Where the token files lie: of the plain stories, and of those with instructions."""
    return {False: out / "data", True: out / "data-instruct"}


def prepare(text: Path | None, out: Path) -> dict[bool, Path]:
    """The token files of both, by the same BPE; those that are there are left as they are."""
    data = data_of(out)
    if text is None:
        return data
    if not data[False].exists():
        _run("prepare", "--text", text, "--bpe", VOCABULARY, "--out", data[False])
    if not data[True].exists():
        examples = out / "instruct.txt"
        write_derived(text, examples)
        tokenizer = ("--tokenizer", data[False] / "tokenizer")
        _run("prepare", "--text", examples, "--instruct", *tokenizer, "--out", data[True])
    return data


def train_all(
    models: Sequence[Planned],
    data: Mapping[bool, Path],
    options: argparse.Namespace,
    until: float = math.inf,
) -> list[str]:
    """Train those that are not finished, several at a time, and record each that ends.

    Returns:
        The names of those whose trainer failed; it has said why.
    """
    known, failed = records(options.out), []
    for model in models:
        if model.name in known:
            print(f"{model.name}: finished before", flush=True)
    left = [model for model in models if model.name not in known]
    with ThreadPoolExecutor(options.parallel) as pool:
        runs = {pool.submit(train, m, data[m.instruct], options, until): m for m in left}
        try:
            for run in as_completed(runs):
                try:
                    done = run.result()
                except subprocess.CalledProcessError:
                    failed.append(runs[run].name)
                    continue
                if done is not None:
                    keep(options.out, runs[run], done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # of those that have not begun
            raise
    return failed


def train(
    model: Planned, data: Path, options: argparse.Namespace, until: float = math.inf
) -> dict[str, Any] | None:
    """Train one; None if the time was up before.

    Raises:
        subprocess.CalledProcessError: the trainer failed, and has said why.
    """
    folder, begun = options.out / model.name, time.monotonic()
    changes = changes_of(model, options)
    words = ("run", model.recipe, *changes, "--data", data, "--out", folder, "--json")
    if begun >= until or (said := _run(*words, until=until, parallel=options.parallel)) is None:
        print(f"{model.name}: the time is up; the same command goes on", flush=True)
        return None
    result = json.loads(said)
    best = result["best_bits_per_byte"]
    held_out = "no story held out" if best is None else f"{best:.4f} bits per byte held out"
    print(f"{model.name}: {held_out}", flush=True)
    return {
        "changes": changes,
        "positions": options.positions // STEP * STEP,
        "tokens": tokens_seen(folder),
        "held_out_bits_per_byte": best,
        "fingerprint": load_any(folder).fingerprint,
        "processor": processor(),
        "seconds": round(time.monotonic() - begun),
    }


def changes_of(model: Planned, options: argparse.Namespace) -> tuple[str, ...]:
    """What is changed in a model's recipe: what all share, then its own."""
    return (
        f"model.n_vocab={VOCABULARY}",
        f"data.batch_tokens={STEP}",
        "data.accumulation=1",
        f"optimizer.learning_rate={options.learning_rate}",
        f"schedule.steps={options.positions // STEP}",
        f"schedule.warmup={WARM_UP}",
        f"run.seed={model.seed}",
        "run.evaluate_every=100",
        "run.save_every=100",
        *model.changes,
    )


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


def _run(*words: object, until: float = math.inf, parallel: int = 1) -> str | None:
    """What the trainer prints; None if it was stopped, having saved, because the time was up."""
    command = [sys.executable, "-m", "train", *map(str, words)]
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // parallel))}
    environment = (threads if parallel > 1 else {}) | os.environ
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as trainer:  # noqa: S603 - our own words
        try:
            left = None if math.isinf(until) else max(0.0, until - time.monotonic())
            said, _ = trainer.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            trainer.terminate()  # it finishes its step and saves
            said, _ = trainer.communicate()
            if trainer.returncode:
                return None  # unless that step was the last
    if trainer.returncode:
        raise subprocess.CalledProcessError(trainer.returncode, command)
    return said


if __name__ == "__main__":
    main()

"""What training reads: token files, the state of a run, its log, recipes."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from random import Random

import torch
from fuzz.checkpoints import damaged_weights
from fuzz.mutations import damaged_bytes, damaged_json, damaged_value
from fuzz.targets import Target
from runs import prepare, tiny_recipe

from train.data.batches import WindowSampler
from train.data.story_batches import StorySampler
from train.data.tokens import TokenFile
from train.reports.curves import read_curve
from train.training import resume
from train.training.build import build_model
from train.training.optimizers import RunningMean, build_optimizers
from train.training.recipe_file import read_recipe
from train.training.start import refuse_other
from train.training.tracking import take_back

RECIPE = tiny_recipe()
NOW = {"data": "a" * 64, "micro_batches": 1}
TOML = """
extends = "bundled"
[model]
n_layers = 2
attention = ["global", "local"]
[optimizer]
betas = [0.9, 0.95]
learning_rate = 5e-4
[schedule]
steps = 30
[run]
snapshots = true
"""
OVERRIDES = [
    "schedule.steps=3",
    "model.n_layers=[[[",
    "run.seed=-1",
    "a",
    "=",
    "optimizer.betas=[1",
]


def targets(base: Path) -> list[Target]:
    """Those of training."""
    data, run, recipes = (base / name for name in ("data", "run", "recipes"))
    prepare(data)
    run.mkdir()
    trained = _trained()
    for optimizer in trained.optimizers:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    numbers = {
        "step": 7, "tokens": 900, "seconds": 2.5, "best": math.inf, "scaler": {}, **NOW,
        "last": {"dev_nats_per_token": 2.5}, "recipe": RECIPE.as_dict(),
    }  # fmt: skip
    resume.save_state(run, trained, numbers)
    lines = [{"step": n, "tokens": 9 * n, "seconds": 1.0, "loss": 3.5} for n in (3, 6, 9)]
    lines.append({"step": 9, "tokens": 81, "seconds": 1, "dev_nats_per_token": 3.0})
    (run / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    recipes.mkdir()
    (recipes / "mine.toml").write_text(TOML)
    tokens = {
        "data.json": damaged_json,
        "train.bin": damaged_bytes,
        "train.idx": _damaged_index,
        "dev.idx": _damaged_index,
    }
    state = {f"{resume.FOLDER}/{resume.FILE}": _damaged_state}
    return [
        Target("token files", data, _read_tokens, tokens, share=2),
        Target("state of a run", run, _read_state, state, share=2),
        Target("log of a run", run, _read_log, {"log.jsonl": damaged_lines}),
        Target("recipes", recipes, _read_recipe, {"mine.toml": _damaged_recipe}),
    ]


def _trained() -> resume.Trained:
    model = build_model(RECIPE)
    return resume.Trained(model, RunningMean(model, 0.5), build_optimizers(model, RECIPE.optimizer))


def _read_tokens(folder: Path) -> None:
    for split in ("train", "dev"):
        file = TokenFile(folder, split)
        for tokens, size, prompt in file.stories(10_000):
            assert all(0 <= token < file.card.n_vocab for token in tokens), "a token of no word"
            assert size >= 0
            assert 0 <= prompt <= len(tokens)
        if split == "train":
            for sampler in (StorySampler(file, 61, 320, 0), WindowSampler(file, 61, 2, 0)):
                sampler.batch(1)


def _read_state(folder: Path) -> None:
    numbers = resume.read_numbers(folder)
    if numbers is not None:
        refuse_other(folder, numbers, RECIPE, NOW)
        trained = _trained()
        resume.load_state(folder, trained)
        for optimizer in trained.optimizers:
            optimizer.step()  # without gradients: only the state is looked at


def _read_log(folder: Path) -> None:
    read_curve(folder)
    take_back(folder / "log.jsonl", 6)


def _read_recipe(folder: Path) -> None:
    content = (folder / "mine.toml").read_bytes()
    random = Random(content)
    overrides = random.sample(OVERRIDES, random.choice([0, 0, content != TOML.encode()]))
    read_recipe(str(folder / "mine.toml"), overrides)


def damaged_lines(random: Random, content: bytes) -> bytes:
    """JSON Lines, one or more of them damaged."""
    lines = content.split(b"\n")
    at = random.randrange(len(lines))
    lines[at] = damaged_json(random, lines[at] or b"{}")
    return damaged_bytes(random, content) if random.random() < 0.2 else b"\n".join(lines)


def _damaged_index(random: Random, content: bytes) -> bytes:
    if random.random() < 0.4:
        return damaged_bytes(random, content)
    numbers = list(struct.unpack(f"<{len(content) // 8}q", content))
    far = [-1, 0, 1, 10**6, 1 << 62, -(1 << 62), (1 << 63) - 1, -(1 << 63), *numbers[:9]]
    for _ in range(random.randint(1, 3)):
        numbers[random.randrange(len(numbers))] = random.choice(far)
    return struct.pack(f"<{len(numbers)}q", *numbers)


def _damaged_state(random: Random, content: bytes) -> bytes:
    if random.random() < 0.6:
        return damaged_weights(random, content)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    about = header["__metadata__"]
    numbers = damaged_value(random, json.loads(about[resume.NUMBERS]))
    about[resume.NUMBERS] = json.dumps(numbers)
    encoded = json.dumps(header).encode()
    return len(encoded).to_bytes(8, "little") + encoded + content[8 + size :]


def _damaged_recipe(random: Random, content: bytes) -> bytes:
    if random.random() < 0.3:
        return damaged_bytes(random, content)
    values = [
        "-1", "0", "1e400", "nan", "99999999999999999999", "[[[", "[" * 400, '"x"', "true", "[]",
        "{a = 1}", '"../x"', f'"{"x" * 5000}"', '"mine.toml"', "2020-01-01", "'''", "1.5",
    ]  # fmt: skip
    lines = content.decode().split("\n")
    at = random.choice([n for n, line in enumerate(lines) if "=" in line])
    key = lines[at].split("=")[0]
    name = random.choice([key, key, "a." * 300 + "b", "extends", "n_ctx"])
    lines[at] = f"{name} = {random.choice(values)}"
    return "\n".join(lines).encode()

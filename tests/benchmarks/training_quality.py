"""Held-out loss at the same tokens: ours with AdamW and with Muon, beside a plain loop.

    python tests/benchmarks/training_quality.py [--steps 240] [--width 128] [--out FILE.json]

All three read the same batches of the bundled stories and are scored on the same stories held out.
The plain loop is AdamW over ``GPTNeoForCausalLM``, from the same random weights. Said at the end:
the losses, and after what share of the steps Muon is where AdamW ended.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measured import Row, report
from torch import nn
from torch.nn import functional as F

from tinyinterp.checkpoint import config_to_hugging_face, to_hugging_face
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories
from train.data.tokens import TokenFile, write_tokens
from train.training.loop import Trainer
from train.training.recipe import Recipe
from train.training.recipe_file import read_recipe
from train.training.schedule import rate

CONTEXT = 512
EVERY = 20  # steps between two evaluations
WAYS = ("plain adamw", "ours adamw", "ours muon")


def recipe(way: str, steps: int, width: int) -> Recipe:
    """A small GPT-Neo, four layers, a linear schedule."""
    overrides = [
        f"model.d_model={width}",
        "model.n_layers=4",
        "model.n_heads=4",
        "model.dropout=0.0",
        f"schedule.steps={steps}",
        "schedule.warmup=20",
        "schedule.shape=linear",
        f"optimizer.name={'muon' if 'muon' in way else 'adamw'}",
        "run.average=0.0",
        "run.snapshots=false",
    ]
    return read_recipe("bundled", overrides)


def decoder_of(trainer: Trainer) -> Decoder:
    """Its model, which no recipe here makes a compressor."""
    assert isinstance(trainer.model, Decoder)
    return trainer.model


class Plain:
    """The loop one would write, on the batches that ours reads."""

    def __init__(self, settings: Recipe, trainer: Trainer) -> None:
        from transformers import GPTNeoConfig, GPTNeoForCausalLM

        shape: Any = settings.model
        self.settings, self.trainer = settings, trainer
        self.model = GPTNeoForCausalLM(
            GPTNeoConfig(**config_to_hugging_face(shape, None, torch.float32))
        )
        self.model.load_state_dict(to_hugging_face(decoder_of(trainer)), strict=False)
        optimizer = settings.optimizer
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=optimizer.learning_rate,
            betas=optimizer.betas,
            weight_decay=optimizer.weight_decay,
        )

    def step(self, number: int) -> None:
        batch = self.trainer.stepper.prefetcher.sampler.batch(number)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.optimizer.learning_rate * rate(
                self.settings.schedule, number
            )
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(batch.tokens).logits
        loss = F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()


def held_out(
    model: nn.Module, logits: Callable[[torch.Tensor], torch.Tensor], file: TokenFile
) -> float:
    """Nats per token in fp32, stories cut to the context; the same for all ways."""
    total, count = 0.0, 0
    model.eval()
    with torch.inference_mode():
        for tokens, _, _ in file.stories(1 << 30):
            row = torch.tensor(tokens)[None, :CONTEXT]
            total += F.cross_entropy(logits(row[:, :-1])[0], row[0, 1:], reduction="sum").item()
            count += row.shape[1] - 1
    model.train()
    return total / count


def curve(way: str, data: Path, run: Path, steps: int, width: int) -> dict[int, float]:
    """Held-out nats per token by step."""
    settings = recipe(way, steps, width)
    trainer = Trainer(settings, data, run)
    step: Callable[[int], object]
    logits: Callable[[torch.Tensor], torch.Tensor]
    if way.startswith("plain"):
        plain = Plain(settings, trainer)
        step, model, logits = plain.step, plain.model, lambda rows: plain.model(rows).logits
    else:
        step, model, logits = lambda _: trainer.train_step(), trainer.model, trainer.model
    found = {}
    for number in range(steps):
        step(number)
        if (number + 1) % EVERY == 0:
            found[number + 1] = held_out(model, logits, trainer.dev_file)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=240)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    from tinyinterp.model import load

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        stories = read_stories(bundled_stories())
        write_tokens(stories, load().tokenizer, data, source="bundled stories", holdout=16)
        curves = {
            way: curve(way, data, Path(folder) / way, options.steps, options.width) for way in WAYS
        }
    end = curves["ours adamw"][max(curves["ours adamw"])]
    reached = [step for step, loss in curves["ours muon"].items() if loss <= end]
    rows = [
        Row(way, "nats per token held out", (losses[max(losses)],))
        for way, losses in curves.items()
    ]
    share = 100 * min(reached) / options.steps if reached else float("inf")
    rows.append(Row("Muon is where AdamW ended after", "% of the steps", (share,)))
    about = (
        f"The loss on stories held out after {options.steps} steps of 4 layers of {options.width}, "
        "on the same batches from the same weights."
    )
    report("What training reaches", about, rows, options.out)


if __name__ == "__main__":
    main()

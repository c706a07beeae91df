"""Tokens per second of completions side by side, beside one by one without a cache.

    python tests/benchmarks/evaluation_speed.py [--prompts 100] [--single 2] [--rounds 3]
        [--out FILE.json]

The prompts are beginnings of the bundled stories, each of another length; the bundled model
continues them to the end of the story. *Side by side* is ``complete``, as every evaluation uses it.
*One by one* reads the whole text again for each new token, from ``--single`` of the same prompts,
and draws from the same distribution; 10 times its speed is asked for. First the two are compared:
greedy, they must write the same.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from measured import Row, ratio, report

import tinyinterp
from tinyinterp.evaluation.completions import complete
from tinyinterp.model import Model
from tinyinterp.network.choice import choose
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories

ASKED = 10.0  # times the speed of one by one
DRAWN = Sampling(temperature=0.7, top_p=0.6)


def beginnings(n_prompts: int) -> list[str]:
    """Beginnings of stories, of 5 to 40 words."""
    stories = islice(read_stories(bundled_stories()), n_prompts)
    return [" ".join(story.split()[: 5 + 7 * i % 36]) for i, story in enumerate(stories)]


def one_by_one(model: Model, prompt: str, settings: Sampling) -> list[int]:
    """A continuation by the definition: the whole text is read for each token."""
    tokens = model.tokenizer.encode_prompt(prompt)
    n_given, random = len(tokens), torch.Generator().manual_seed(0)
    most = settings.max_tokens or model.config.n_ctx
    with torch.inference_mode():
        while len(tokens) < min(model.config.n_ctx, n_given + most):
            logits = model.decoder(torch.tensor([tokens]))[:, -1]
            draw = torch.rand(1, generator=random, dtype=torch.float64)
            tokens.append(int(choose(logits, draw, settings)))
            if tokens[-1] == model.tokenizer.end:
                break
    return tokens[n_given:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--single", type=int, default=2, help="prompts continued one by one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    model, prompts = tinyinterp.load(), beginnings(options.prompts)
    greedy = replace(DRAWN, temperature=0.0, max_tokens=40)
    some = prompts[: options.single]
    same = [model.tokenizer.decode(one_by_one(model, prompt, greedy)) for prompt in some]
    if [texts[0] for texts in complete(model, some, greedy)] != same:
        raise SystemExit("the two write different texts; nothing was measured")
    together, single = [], []
    for _ in range(options.rounds):
        began = time.perf_counter()
        texts = [texts[0] for texts in complete(model, prompts, DRAWN)]
        taken = time.perf_counter() - began
        written = sum(len(each.ids) for each in model.tokenizer.encode_batch(texts))
        together.append(written / taken)
        began = time.perf_counter()
        n_single = sum(len(one_by_one(model, prompt, DRAWN)) for prompt in some)
        single.append(n_single / (time.perf_counter() - began))
    rows = [
        Row(f"{len(prompts)} completions side by side", "tokens/s", tuple(together)),
        Row("one by one, without a cache", "tokens/s", tuple(single)),
        ratio("side by side beside one by one", together, single, f"at least {ASKED:g}"),
    ]
    about = (
        "Beginnings of bundled stories, each of another length, continued to the end of the story."
    )
    report("Completions", about, rows, options.out)


if __name__ == "__main__":
    main()

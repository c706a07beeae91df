"""Tokens per second of completions side by side, beside one by one without a cache.

    python tests/benchmarks/evaluation_speed.py [--prompts 100] [--single 2] [--out FILE.json]

The prompts are beginnings of the bundled stories, each of another length; the bundled model
continues them to the end of the story. *Side by side* is ``complete``, as every evaluation uses it.
*One by one* reads the whole text again for each new token, from ``--single`` of the same prompts,
and draws from the same distribution; 10 times its speed is asked for. First the two are compared:
greedy, they must write the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

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
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    model, prompts = tinyinterp.load(), beginnings(options.prompts)
    greedy = replace(DRAWN, temperature=0.0, max_tokens=40)
    some = prompts[: options.single]
    same = [model.tokenizer.decode(one_by_one(model, prompt, greedy)) for prompt in some]
    if [texts[0] for texts in complete(model, some, greedy)] != same:
        raise SystemExit("the two write different texts; nothing was measured")
    began = time.perf_counter()
    texts = [texts[0] for texts in complete(model, prompts, DRAWN)]
    taken = time.perf_counter() - began
    encoded = model.tokenizer.encode_batch(texts)
    written = sum(len(encoding.ids) for encoding in encoded)
    began = time.perf_counter()
    single = sum(len(one_by_one(model, prompt, DRAWN)) for prompt in some)
    alone = time.perf_counter() - began
    speeds = {"side by side": written / taken, "one by one, no cache": single / alone}
    for (name, speed), n_tokens in zip(speeds.items(), (written, single), strict=True):
        sys.stdout.write(f"{name:21} {speed:9,.0f} tokens/s on {n_tokens:,} tokens\n")
    ratio = speeds["side by side"] / speeds["one by one, no cache"]
    sys.stdout.write(f"ratio {ratio:.1f} ({ASKED:.0f} asked for)\n")
    if options.out:
        about = {"threads": torch.get_num_threads(), "load_average": os.getloadavg()[0]}
        content = {"tokens_per_second": speeds, "ratio": ratio} | about
        options.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()

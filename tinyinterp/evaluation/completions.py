"""What a model writes after many prompts, side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tinyinterp.io.progress import Progress, say
from tinyinterp.model import AnyModel
from tinyinterp.network.generation import continue_prompts
from tinyinterp.network.packed import packed
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.unknown import unknown_note


def prompt_seed(seed: int, prompt: str) -> int:
    """The seed of one prompt: the same among whatever others, and for every model.

    Prompts have draws of their own; with common ones, texts would be more alike than the model
    makes them.
    """
    digest = hashlib.sha256(f"{seed}\n{prompt}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7])


def complete(
    model: AnyModel,
    prompts: Sequence[str],
    settings: Sampling,
    n_samples: int = 1,
    report: Progress | None = None,
) -> list[list[str]]:
    """The texts with which a model continues each prompt.

    A continuation is the one that ``generate`` gives for the prompt alone with
    ``seed=prompt_seed(settings.seed, prompt)``, whatever the other prompts are (unless rounding in
    the model tips a choice).

    Args:
        model: an open decoder or compressor.
        prompts: beginnings of texts; the start token is put in front of each.
        settings: how tokens are chosen, how many, and the seed.
        n_samples: continuations of each prompt.
        report: advances by one for each continuation.

    Returns:
        For each prompt its samples, without the prompt and without the token that ended them.

    Raises:
        ConfigError: a prompt is empty for a model without a start token, or leaves no room in the
            context.
        CorpusError: a prompt is no text.
    """
    tokenizer, end = model.tokenizer, model.tokenizer.end
    encodings = tokenizer.encode_batch(prompts)
    pairs = zip(prompts, encodings, strict=True)
    if lost := sum(tokenizer.unknown_characters(prompt, encoding) for prompt, encoding in pairs):
        say(f"note: prompts: {unknown_note(lost)}")
    found: list[list[list[int]]] = [[[] for _ in range(n_samples)] for _ in prompts]
    with packed(model.network):
        for made in continue_prompts(
            model.network,
            [[*tokenizer.front, *encoding.ids] for encoding in encodings],
            settings=settings,
            seeds=[prompt_seed(settings.seed, prompt) for prompt in prompts],
            end_of_text=end,
            n_samples=n_samples,
        ):
            ended = made.tokens[-1] == end
            found[made.prompt][made.sample] = made.tokens[:-1] if ended else made.tokens
            if report is not None:
                report.advance()
    return [tokenizer.decode_batch(samples) for samples in found]

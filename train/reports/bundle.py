"""Turn a finished run into what the package carries: checkpoint, stories, model card.

The training text may not be shipped, so the model itself generates the bundled stories. Every
command that is given no text reads them, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinyinterp import checkpoint
from tinyinterp.checkpoint import Checkpoint
from tinyinterp.errors import TrainingError
from tinyinterp.evaluation.loss import Loss, measure_text_loss
from tinyinterp.io.files import write_text
from tinyinterp.io.progress import progress
from tinyinterp.network.decoder import count_parameters
from tinyinterp.network.generation import generate
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.source import open_stories
from tinyinterp.text.tokenizer import END_OF_TEXT

from ..training.step import DTYPES

N_STORIES = 1200
STORIES_AT_ONCE = 32
TEMPERATURE = 0.8
CARD_SEEDS = (0, 1, 2)  # of the stories in the model card, unpicked
CARD = Path(__file__).parent / "model_card.md"


def bundle(run: Path, valid: Path, assets: Path, *, seed: int = 0, note: str = "") -> Loss:
    """Write ``assets/model`` and ``assets/stories.txt`` from the best checkpoint of ``run``.

    Args:
        valid: the text that the model card's loss is measured on; nothing of it is written.
        note: what else the model card says about the training.

    Raises:
        TrainingError: the run has no best checkpoint.
    """
    best = run / "best"
    if not (best / checkpoint.WEIGHTS).is_file():
        raise TrainingError(f"{run} has no best checkpoint; train it with evaluation first")
    model = checkpoint.load(best)
    loss = measure_text_loss(model.decoder, model.tokenizer, open_stories(valid).read())
    stories = list(draw_stories(model, N_STORIES, seed))
    write_text(assets / "stories.txt", "".join(f"{s}\n{END_OF_TEXT}\n" for s in stories))
    dtype = DTYPES[model.training["recipe"]["run"]["stored"]]
    folder = assets / "model"
    checkpoint.save(folder, model.decoder, model.tokenizer, model.training, dtype)
    write_text(folder / "README.md", _card(model, loss, valid.name, note))
    return loss


def draw_stories(model: Checkpoint, count: int, seed: int) -> Iterator[str]:
    """``count`` distinct stories that ended with end-of-text, generated at temperature 0.8."""
    end, seen = model.tokenizer.end_of_text, set[str]()
    with progress("drawing stories", count) as bar:
        while len(seen) < count:
            settings = Sampling(temperature=TEMPERATURE, seed=seed)
            samples = generate(
                model.decoder,
                [end],
                settings=settings,
                end_of_text=end,
                n_samples=STORIES_AT_ONCE,
            )
            seed += 1
            for tokens in samples:
                text = model.tokenizer.decode(tokens[:-1]).strip()
                if tokens[-1] == end and text and text not in seen and len(seen) < count:
                    seen.add(text)
                    bar.advance()
                    yield text


def _card(model: Checkpoint, loss: Loss, valid: str, note: str) -> str:
    end, training = model.tokenizer.end_of_text, model.training
    stories = []
    for seed in CARD_SEEDS:
        settings = Sampling(temperature=TEMPERATURE, seed=seed)
        (tokens,) = generate(model.decoder, [end], settings=settings, end_of_text=end)
        text = model.tokenizer.decode(tokens).removesuffix(END_OF_TEXT).strip()
        stories.append(f"**Seed {seed}**\n\n" + "\n".join(f"> {line}" for line in text.split("\n")))
    return CARD.read_text("utf-8").format(
        parameters=f"{count_parameters(model.decoder.config).total:,}",
        loss=loss,
        valid=valid,
        note=f" {note}" if note else "",
        training=training,
        recipe=json.dumps(_without_model(training["recipe"]), indent=2),
        data=training["data"],
        stories="\n\n".join(stories),
        temperature=TEMPERATURE,
        n_stories=N_STORIES,
    )


def _without_model(recipe: dict[str, Any]) -> dict[str, Any]:
    return {table: values for table, values in recipe.items() if table != "model"}

"""A continuation under the switches of a question, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.questions import Question, asked, real, whole
from tinyinterp.network.generation import stream
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P, Sampling
from tinyinterp.run.components import choose_components
from tinyinterp.scan import hooked_at
from tinyinterp.text.stream import TextStream

MOST_TOKENS = 200


def pieces(explorer: Explorer, given: Question) -> Iterator[dict[str, Any]]:
    """What the model writes after a text: ``{"text": …}`` for each token, then ``{"ended": …}``.

    The text is checked before the first piece is asked for. Other questions are answered between
    two tokens: hooks are there only while a token is made.

    Raises:
        ConfigError: a setting is out of its range, or the context is full.
        CorpusError: the text is empty or too long.
        SelectionError: the question is not understood, or the model has no such part.
    """
    question = asked(given)
    settings = Sampling(
        temperature=real(given, "temperature", FLUENT_TEMPERATURE),
        top_p=real(given, "top_p", FLUENT_TOP_P),
        seed=whole(given, "seed", 0),
        max_tokens=min(whole(given, "max_tokens", 60), MOST_TOKENS),
    )
    model = explorer.model
    read = model.read(question.text)
    off = choose_components(question.off, model.config)
    hooks = explorer.instead(question).hooks(off, read.ids[None]) if off else {}
    prompt, end = read.ids.tolist(), model.tokenizer.end
    made = stream(model.decoder, prompt, settings=settings, end_of_text=end)

    def written() -> Iterator[dict[str, Any]]:
        shown = TextStream(model.tokenizer)
        ended = False
        while True:
            with explorer.lock, hooked_at(model.decoder, hooks), torch.inference_mode():
                step = next(made, None)
            if step is None:
                break
            ended = step[1] == end
            if not ended:
                yield {"text": shown.feed(step[1])}
        yield {"text": shown.close(), "ended": ended}

    return written()

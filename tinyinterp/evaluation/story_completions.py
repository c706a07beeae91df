"""Several models complete the beginnings of the same stories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinyinterp.evaluation.completions import complete
from tinyinterp.evaluation.openings import Completion, choose_stories, openings
from tinyinterp.io.progress import progress, say
from tinyinterp.model import AnyModel
from tinyinterp.network.sampling import Sampling


def complete_beginnings(
    models: Sequence[tuple[str, AnyModel]],
    streams: Sequence[Iterator[str]],
    shares: Sequence[str],
    count: int,
    sampling: Sampling,
) -> list[Completion]:
    """Let each model complete the first stories that all models have room for.

    Stories that hold an instruction (TinyStoriesInstruct) are completed from the instruction,
    whatever the share. What was passed over is said on standard error.

    Args:
        models: each with its name.
        streams: the stories as each model reads them.
        shares: of a story's words that the prompt has, as
            :func:`tinyinterp.evaluation.openings.parse_share` reads them.
        count: of stories, at most.
        sampling: how tokens are chosen.

    Raises:
        CorpusError: no story fits.
        SelectionError: a share is none.
    """
    numbers, chosen, passed = choose_stories([model for _, model in models], streams, count)
    if passed:
        say(f"note: {passed:,} stories were passed over: too short, or longer than the context")
    if len(numbers) < count:
        say(f"note: the text has {len(numbers):,} such stories, not {count:,}")
    done: list[Completion] = []
    for (name, model), stories in zip(models, chosen, strict=True):
        cuts = {  # an instruction is the same for every share
            (opening.share, number): opening
            for share in shares
            for number, opening in zip(numbers, openings(stories, share), strict=True)
        }
        with progress(f"completing stories, {name}", len(cuts)) as bar:
            prompts = [opening.prompt for opening in cuts.values()]
            written = complete(model, prompts, sampling, report=bar)
        done += [
            Completion(name, share, number, opening.prompt, texts[0], opening.rest)
            for ((share, number), opening), texts in zip(cuts.items(), written, strict=True)
        ]
    return done

"""Greedy completions of stories that only measure, by a trained model; kept for every study.

From the first 40 % of a story's words, as the text of the report says, and from a third, as its
code does.
"""

from __future__ import annotations

import sys
from itertools import islice

from analyses.inputs import Inputs
from analyses.study import Row
from tinyinterp.evaluation.completions import complete
from tinyinterp.evaluation.openings import Completion, choose_stories, openings
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.source import open_stories

STORIES = 100  # unless --full is given
SHARES = ("0.4", "third")


def completions(inputs: Inputs, name: str) -> list[Completion]:
    """What a model wrote after the beginnings of the first stories of ``valid``, both shares.

    Only what it wrote is kept; prompts and the rests of the stories are read again.
    """
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    found = inputs.once("completions", name, inputs.valid, lambda: _complete(inputs, name))
    fold_for = name if found["blank_lines"] == "folded" else None
    stories = open_stories(inputs.valid, fold_for=fold_for).read()
    chosen = dict(enumerate(islice(stories, max(found["stories"]) + 1)))
    done = []
    for share, texts in found["written"].items():
        cuts = openings([chosen[number] for number in found["stories"]], share)
        done += [
            Completion(name, share, number, cut.prompt, text, cut.rest)
            for number, cut, text in zip(found["stories"], cuts, texts, strict=True)
        ]
    return done


def _complete(inputs: Inputs, name: str) -> Row:
    model = inputs.open(name)
    stories = model.stories(inputs.valid)
    numbers, (chosen,), _ = choose_stories([model], [stories.read()], inputs.limit or sys.maxsize)
    written = {}
    for share in SHARES:
        prompts = [cut.prompt for cut in openings(chosen, share)]
        texts = complete(model, prompts, Sampling(temperature=0.0))
        written[share] = [first for first, *_ in texts]
    return {"blank_lines": stories.blank_lines, "stories": numbers, "written": written}

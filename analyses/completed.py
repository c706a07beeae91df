"""Greedy completions of stories that only measure, by a trained model; kept for every study.

From the first 40 % of a story's words, as the text of the report says, and from a third, as its
code does.
"""

from __future__ import annotations

import sys
from dataclasses import asdict

from analyses.study import Inputs, Row
from tinyinterp.evaluation.completions import complete
from tinyinterp.evaluation.openings import Completion, choose_stories, openings
from tinyinterp.network.sampling import Sampling

STORIES = 100  # unless --full is given
SHARES = ("0.4", "third")


def completions(inputs: Inputs, name: str) -> list[Completion]:
    """What a model wrote after the beginnings of the first stories of ``valid``, both shares."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    found = inputs.once("completions", name, inputs.valid, lambda: _complete(inputs, name))
    return [Completion(**row) for row in found]


def _complete(inputs: Inputs, name: str) -> list[Row]:
    model = inputs.open(name)
    count = inputs.limit or sys.maxsize
    numbers, (stories,), _ = choose_stories([model], [model.stories(inputs.valid).read()], count)
    done = []
    for share in SHARES:
        cuts = openings(stories, share)
        written = complete(model, [cut.prompt for cut in cuts], Sampling(temperature=0.0))
        done += [
            Completion(name, share, number, cut.prompt, texts[0], cut.rest)
            for number, cut, texts in zip(numbers, cuts, written, strict=True)
        ]
    return [asdict(each) for each in done]

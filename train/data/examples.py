"""Stories with instructions, made from templates, in the form of TinyStoriesInstruct.

    names, things, places, deeds ─► a story, sentence by sentence ─► fields that are true of it

For trying instruct training and for tests; a model trained on them learns the templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from tinyinterp.io.files import write_text
from tinyinterp.text.instruct import FEATURES
from tinyinterp.text.tokenizer import END_OF_TEXT

NAMES = ("Anna", "Ben", "Kofi", "Lily", "Mia", "Nora", "Omar", "Sam", "Tim", "Zoë")
FRIENDS = ("the cat", "the old bear", "the little bird", "Grandpa", "a big dog", "a small frog")
PLACES = ("park", "garden", "forest", "beach", "kitchen", "library", "farm", "hill")
THINGS = ("ball", "boat", "kite", "box", "drum", "lamp", "spoon", "hat", "shell", "wheel")
QUALITIES = ("red", "shiny", "heavy", "tiny", "soft", "strange", "yellow", "dusty")
DEEDS = ("jump", "sing", "paint", "hide", "dance", "whisper", "climb", "run")


@dataclass(frozen=True)
class Plot:
    """What is drawn at random for a story."""

    name: str
    friend: str
    place: str
    thing: str
    quality: str
    deed: str
    features: tuple[str, ...]  # of those in FEATURES

    @property
    def sentences(self) -> list[str]:
        """The story. Each feature adds its sentences; the story contains all words."""
        name, friend, thing = self.name, self.friend, self.thing
        told = [
            f"One day, {name} found a {self.quality} {thing} in the {self.place}.",
            f"{name} wanted to {self.deed} with it all day.",
        ]
        if "Foreshadowing" in self.features:
            told.append("Far away, a dark cloud was coming, but nobody looked up.")
        told.append(f"Then {friend} came to the {self.place} too.")
        if "Dialogue" in self.features:
            told += ["“May I have a turn?” asked the friend.", f"“Soon,” said {name}."]
        if "Conflict" in self.features:
            told.append(f"They both pulled at the {thing} and grew very angry.")
        if "Foreshadowing" in self.features:
            told.append("Now the dark cloud was there, and it rained and rained.")
        if "Twist" in self.features:
            told.append(f"Suddenly the {thing} laughed: it was a little robot all along!")
        told += self._ending()
        if "MoralValue" in self.features:
            told.append("They had learned that it is good to share.")
        return told

    def _ending(self) -> list[str]:
        if "BadEnding" in self.features:
            return [f"In the end the {self.thing} was lost, and {self.name} went home and cried."]
        return [f"In the end they had fun together, and {self.name} went home with a smile."]

    @property
    def summary(self) -> str:
        """What happens, in one sentence."""
        end = "loses it" if "BadEnding" in self.features else f"has fun with it and {self.friend}"
        return f"{self.name} finds a {self.quality} {self.thing} in the {self.place} and {end}."


def examples(seed: int) -> Iterator[str]:
    """Distinct examples without end, each an instruction and its story.

    The fields vary: at least one, in any order. Each is true of the story, which contains the words
    and the random sentence and has the features.
    """
    random = np.random.default_rng(seed)
    seen = set[Plot]()
    while True:
        plot = draw_plot(random)
        if plot not in seen:
            seen.add(plot)
            yield f"{_fields(plot, random)}Story:\n{' '.join(plot.sentences)}"


def draw_plot(random: np.random.Generator) -> Plot:
    """One of some twenty million plots."""
    return Plot(
        name=str(random.choice(NAMES)),
        friend=str(random.choice(FRIENDS)),
        place=str(random.choice(PLACES)),
        thing=str(random.choice(THINGS)),
        quality=str(random.choice(QUALITIES)),
        deed=str(random.choice(DEEDS)),
        features=tuple(feature for feature in FEATURES if random.random() < 0.4),
    )


def write_examples(count: int, seed: int, target: Path) -> None:
    """Write ``count`` examples as text, an end-of-text line after each.

    Raises:
        OutputError: ``target`` cannot be written.
    """
    drawn = islice(examples(seed), count)
    write_text(target, "".join(f"{example}\n{END_OF_TEXT}\n" for example in drawn))


def _fields(plot: Plot, random: np.random.Generator) -> str:
    words = random.permutation([plot.thing, plot.quality, plot.deed])
    fields = {
        "Words": ", ".join(map(str, words)),
        "Summary": plot.summary,
        "Random sentence": str(random.choice(plot.sentences)),
    }
    if plot.features:
        n_told = int(random.integers(1, len(plot.features) + 1))
        told = random.permutation(plot.features)[:n_told]
        fields["Features"] = ", ".join(map(str, told))
    n_fields = int(random.integers(1, len(fields) + 1))
    chosen = random.permutation(list(fields))[:n_fields]
    return "".join(f"{name}: {fields[name]}\n" for name in chosen)

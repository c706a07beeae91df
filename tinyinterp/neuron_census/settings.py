"""The settings of a census of neurons."""

from __future__ import annotations

from dataclasses import dataclass

from tinyinterp.errors import SelectionError
from tinyinterp.neuron_census.activations import READINGS
from tinyinterp.selection import choose
from tinyinterp.tagging import DEFAULT_TAGGER, UNIVERSAL, TagReader, open_tagger

NULL_TOKENS = 30_000  # of the text, read by each null model


@dataclass(frozen=True, kw_only=True)
class NeuronSettings:
    """What to measure, and how.

    Args:
        layers: counted from 0; None: all.
        top: entries in each neuron's lists of largest and of smallest activations.
        seed: of the token sample, the bootstrap and the null models.
        per_story: list at most one activation per story, its largest (or smallest).
        reading: one of :data:`tinyinterp.neuron_census.activations.READINGS`.
        null_tokens: how much of the text the null models read; 0: no null models.
        tagger: a name that :func:`tinyinterp.tagging.open_tagger` takes.
        tags: the tag set, ``universal`` or ``penn``.

    Raises:
        SelectionError: a number is too small, or there is no such reading.
    """

    layers: tuple[int, ...] | None = None
    top: int = 20
    seed: int = 0
    per_story: bool = False
    reading: str = "post"
    null_tokens: int = NULL_TOKENS
    tagger: str = DEFAULT_TAGGER
    tags: str = UNIVERSAL.name

    def __post_init__(self) -> None:
        numbers = {"top": 1, "seed": 0, "null_tokens": 0}
        for name, least in numbers.items():
            if getattr(self, name) < least:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}"
                )
        if self.reading not in READINGS:
            raise SelectionError(
                f"there is no reading {self.reading!r}; choose one of {', '.join(READINGS)}"
            )

    def open_tag_reader(self) -> TagReader:
        """The reader that tags the text as these settings say.

        Raises:
            SelectionError: there is no such tagger or tag set, the tagger is not installed, or it
                does not know these tags.
        """
        return TagReader(open_tagger(self.tagger, self.tags))

    def chosen_layers(self, n_layers: int) -> tuple[int, ...]:
        """The layers to measure, ascending, each once.

        Raises:
            SelectionError: the model has no such layer, or none was given.
        """
        return tuple(sorted(choose("layer", self.layers, n_layers)))

"""What a census of neurons is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from tinyinterp.errors import SelectionError
from tinyinterp.neuron_census.reading import READINGS
from tinyinterp.selection import choose
from tinyinterp.tagging import DEFAULT_TAGGER, UNIVERSAL, SpeechReader, open_tagger

NULL_TOKENS = 30_000  # of the text that models without training read


@dataclass(frozen=True)
class NeuronSettings:
    """What is asked for.

    Args:
        layers: counted from 0; None: all.
        top: activations kept for each neuron, largest and smallest.
        seed: of the token sample, the bootstrap and the null models.
        per_story: keep one activation a story, its largest (or smallest).
        reading: one of :data:`tinyinterp.neuron_census.reading.READINGS`.
        null_tokens: of the text that the null models read; 0: no null models.
        tagger: by name, as :func:`tinyinterp.tagging.open_tagger` takes it.
        tags: the tag set, ``universal`` or ``penn``.
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

    def open_speech(self) -> SpeechReader:
        """What gives the words the chosen tags.

        Raises:
            SelectionError: there is no such tagger or tag set, it is not installed, or it does not
                know these tags.
        """
        return SpeechReader(open_tagger(self.tagger, self.tags))

    def chosen_layers(self, n_layers: int) -> tuple[int, ...]:
        """The layers asked for, in order, each once.

        Raises:
            SelectionError: the model has no such layer, or none was given.
        """
        return tuple(sorted(choose("layer", self.layers, n_layers)))

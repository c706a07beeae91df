"""What answers the page: a model, what is known of it, and runs of it, one at a time."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Any
from weakref import WeakKeyDictionary

from jaxtyping import Float
from torch import Tensor

from tinyinterp.errors import CorpusError
from tinyinterp.explore.questions import Asked
from tinyinterp.explore.reference import Usual, measure_usual, tokens_read
from tinyinterp.explore.search import Index
from tinyinterp.explore.tables import Tables
from tinyinterp.model import MEANS_POSITIONS, MEANS_TOKENS, Model
from tinyinterp.network.decoder import Decoder
from tinyinterp.run import Instead, Means, Read, Run, Zeros, measure_means, run_text
from tinyinterp.run.components import choose_components
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch

KEPT_RUNS = 4  # two tabs, each with its text intact and changed
MOST_WEIGHTS = 2**25  # of all patterns of one text, half of them above the diagonal


class Explorer:
    """A model that is asked; it keeps nothing of who asked.

    Its means and usual activations are measured once, on a twin of the decoder that shares its
    weights and has hooks of its own, so that questions are answered meanwhile.

    Args:
        model: that is asked.
        tables: what censuses and an account say of it.
    """

    def __init__(self, model: Model, tables: Tables) -> None:
        self.model, self.tables = model, tables
        self.lock = Lock()  # of the decoder, whose hooks are those of one question
        self.index = Index(tables, model.config)
        self.predictions: WeakKeyDictionary[Run, dict[str, Any]] = WeakKeyDictionary()
        self._runs: OrderedDict[tuple[Any, ...], Run] = OrderedDict()
        self._usual: Future[list[Usual]] = Future()
        self._means: Future[Means] = Future()
        self._measuring: Thread | None = None
        self._ended = Event()

    def start(self) -> None:
        """Begin to measure what answers need, in the background; once."""
        if self._measuring is None:
            self._measuring = Thread(target=self._measure, name="tinyinterp-measures", daemon=True)
            self._measuring.start()

    def end(self) -> None:
        """Stop measuring and wait for it: Python may not end while torch works in a thread."""
        self._ended.set()
        if self._measuring is not None:
            self._measuring.join()

    @property
    def longest(self) -> int:
        """Tokens of a text, at most, end-of-text not counted."""
        config = self.model.config
        width = math.isqrt(MOST_WEIGHTS // (config.n_layers * config.n_heads))
        return min(config.n_ctx, width) - 1

    def read(self, text: str) -> Read:
        """The tokens of a text.

        Raises:
            CorpusError: it is empty or too long.
        """
        read = self.model.read(text)
        if len(read.ids) - 1 > self.longest:
            raise CorpusError(
                f"the text has {len(read.ids) - 1} tokens; explore shows at most {self.longest} "
                "of this model, whose patterns grow with the square of the text: shorten it"
            )
        return read

    def run(self, asked: Asked) -> Run:
        """The model on a text, under its switches; the last few runs are kept.

        Raises:
            CorpusError: the text is empty or too long.
            SelectionError: the model has no such part.
        """
        off = choose_components(asked.off, self.model.config)
        key = (asked.text, off, asked.instead if off else "")
        with self.lock:
            found = self._runs.get(key)
            if found is not None:
                self._runs.move_to_end(key)
                return found
        read = self.read(asked.text)
        instead = self.instead(asked) if off else None
        with self.lock:
            found = run_text(self.model.decoder, read, off, instead)
            self._runs[key] = found
            while len(self._runs) > KEPT_RUNS:
                self._runs.popitem(last=False)
        return found

    def instead(self, asked: Asked) -> Instead:
        """What takes the place of what is off; waits for means that are still being measured."""
        return Zeros() if asked.instead == "zero" else self._means.result()

    def usual(self, layer: int) -> Usual:
        """What the activations of a layer usually are: by the census, else by a short text."""
        census = self.tables.layers.get(layer)
        if census is not None and census.usual is not None:
            return census.usual
        return self._usual.result()[layer]

    def quantiles(
        self, layer: int, values: Float[Tensor, " neuron"]
    ) -> tuple[Float[Tensor, " neuron"], Float[Tensor, " neuron"]]:
        """How usual the values of a layer's neurons are, and their shares of the largest known."""
        usual = self.usual(layer)
        return usual.quantile(values), values.double() / usual.largest.double().clamp_min(1e-6)

    def _measure(self) -> None:
        model, twin = self.model, _twin(self.model.decoder)
        n_ctx = min(model.config.n_ctx, MEANS_POSITIONS)
        needed = any(
            layer not in self.tables.layers or self.tables.layers[layer].usual is None
            for layer in range(model.config.n_layers)
        )
        with _failing(self._usual, self._means):
            if needed:
                corpus = model.corpus(max_tokens=tokens_read(twin), n_ctx=n_ctx)
                self._usual.set_result(list(measure_usual(twin, self._until_ended(corpus))))
            corpus = model.corpus(max_tokens=MEANS_TOKENS, n_ctx=n_ctx)
            self._means.set_result(measure_means(twin, self._until_ended(corpus)))

    def _until_ended(self, corpus: Corpus) -> Iterator[MicroBatch]:
        for batch in corpus.micro_batches():
            if self._ended.is_set():
                raise EndedError
            yield batch


class EndedError(Exception):
    """Nobody asks any more."""


@contextmanager
def _failing(*futures: Future[Any]) -> Iterator[None]:
    """An error goes to whoever waits for one of the results."""
    try:
        yield
    except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
        for future in futures:
            if not future.done():
                future.set_exception(error)


def _twin(decoder: Decoder) -> Decoder:
    """The same decoder with hooks of its own: modules are copied, weights are shared."""
    shared = {id(each): each for each in (*decoder.parameters(), *decoder.buffers())}
    return copy.deepcopy(decoder, shared)

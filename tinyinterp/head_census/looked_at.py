"""What a head looks at beyond position: the strongest of many candidates, chosen once, tested once.

The *lift* of a candidate is the attention that its keys get, divided by what the kernel surrogate P
gives to the same keys: 1 means that the class gets what its positions predict. For a candidate such
as ``DET->NOUN`` only the queries that are determiners count.

About three hundred candidates are compared for each head, so the one reported is chosen on FIT, and
its lift and interval are measured on TEST, for it alone. The *strongest* is the one that explains
most of where the head looks, in nats a row: ``r KL(s || p)``, with r the share of the rows that it
is about, s the attention its keys get there and p what P gives to them. The largest lift is no
guide: a rare token may have any lift, and for a head whose queries all look at nouns, some class of
queries looks at them most. Where the lift does not depend on the query's class, the plain class
explains more; a pair that explains nine tenths of that is preferred.

A role such as ``NOUN`` is a claim about words in general, so its interval resamples the words as
well as the stories, and the wider of the two is reported (words are a sample, too: Clark 1973, "The
language-as-fixed-effect fallacy"). A head with random preferences, as in a random model, has for
many a class a lift that holds over stories, but none that holds over words. A mark or a single
token stands for no other word. To exclude such roles by chance, a role must also *tell*, that is
explain, a share of what position leaves unexplained (``labels.THRESHOLDS.tells``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.key_classes import (
    KEY_CLASSES,
    QUERY_CLASSES,
    BatchClasses,
    Candidate,
    ClassReader,
)
from tinyinterp.head_census.labels import THRESHOLDS
from tinyinterp.head_census.patterns import Pattern
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

N_TYPE_BLOCKS = 256  # that the tokens of the vocabulary are dealt into, as stories are into blocks
NORMAL = 1.96  # standard errors of a 95 % interval
NEARLY = 0.9  # a pair that explains this share of what its key class explains is preferred
TINY = 1e-9


@dataclass(frozen=True)
class LookedAt:
    """What a head looks at most beyond position, measured on TEST."""

    name: str
    lift: float
    low: float
    high: float
    share: float  # of the attention of the queries it is about
    nats: float  # a row, of all rows: how much better than P it predicts the attention
    many_words: bool = True  # a class of words; of marks and tokens see ``shuffled``

    @property
    def strong(self) -> bool:
        """Whether lift and interval are those of a role."""
        return self.lift >= THRESHOLDS.lift and self.low > THRESHOLDS.lift_low


class ChoiceAccumulator:
    """Chooses, on FIT, the candidate of every head.

    For each candidate the sums, squares and products over sequences of observed and expected
    attention are kept, from which a lift and its standard error follow; memory does not grow.
    """

    def __init__(
        self,
        config: DecoderConfig,
        surrogates: list[Surrogate],
        reader: ClassReader,
        candidates: list[Candidate],
    ) -> None:
        self.config, self.reader, self.candidates = config, reader, candidates
        self._expected = [s.by_distance.float() for s in surrogates]
        shape = (config.n_layers, config.n_heads)
        self._sums = torch.zeros(5, *shape, len(candidates), dtype=torch.float64)
        self._rows = torch.zeros(*shape, 1 + len(QUERY_CLASSES), dtype=torch.float64)
        self._sequences = torch.zeros(config.n_layers, dtype=torch.int64)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        width = pattern.raw.shape[-1]
        classes = self.reader.read(batch, device := pattern.raw.device)
        clean = pattern.clean
        rows = clean.rows.float()
        expected = _there(self._expected, layer, device)[None, :, :width, :width]
        seen = _by_candidate(clean.weights, torch.ones_like(rows), classes)
        due = _by_candidate(expected, rows, classes)
        products = torch.stack([seen, due, seen * seen, seen * due, due * due])
        self._sums[:, layer] += products.sum(1).cpu()
        by_class = torch.einsum("bhq,bqx->hx", rows, classes.queries)
        counts = torch.cat([rows.sum((0, 2))[:, None], by_class], dim=1)
        self._rows[layer] += counts.cpu().double()
        self._sequences[layer] += len(batch.sequences)

    def merge(self, processes: Processes) -> None:
        processes.add(self._sums, self._rows, self._sequences)

    def chosen(self) -> Int[np.ndarray, "layer head"]:
        """Index of each head's strongest candidate; of one that could be a role, if there is."""
        seen, due, seen_seen, seen_due, due_due = self._sums.numpy()
        lift = seen / np.maximum(due, TINY)
        n = max(2, int(self._sequences.max()))
        squares = seen_seen - 2 * lift * seen_due + lift**2 * due_due
        error = np.sqrt(np.maximum(squares, 0) * n / (n - 1)) / np.maximum(due, TINY)
        about = [0 if c.query is None else 1 + c.query for c in self.candidates]
        rows = self._rows.numpy()
        nats = information(seen, due, rows[..., about], rows[..., :1])
        nats = np.where(lift > 1, nats, -1.0) / np.where(about, NEARLY, 1.0)
        good = (lift >= THRESHOLDS.lift) & (lift - NORMAL * error > THRESHOLDS.lift_low)
        return np.where(good, nats + nats.max() + 1, nats).argmax(axis=-1)


class LookedAtAccumulator:
    """Measures, on TEST, the candidate that was chosen for each head."""

    def __init__(
        self,
        config: DecoderConfig,
        surrogates: list[Surrogate],
        reader: ClassReader,
        candidates: list[Candidate],
        chosen: Int[np.ndarray, "layer head"],
    ) -> None:
        self.config, self.reader = config, reader
        self.chosen = [[candidates[index] for index in layer] for layer in chosen]
        self._expected = [s.by_distance.float() for s in surrogates]
        shape = (config.n_layers, config.n_heads)
        self._by_story = torch.zeros(2, N_BLOCKS, *shape, dtype=torch.float64)
        self._by_type = torch.zeros(2, N_TYPE_BLOCKS, *shape, dtype=torch.float64)
        self._rows = torch.zeros(2, *shape, dtype=torch.float64)  # it is about, and all
        self._measured: dict[tuple[int, int, int], LookedAt | None] = {}

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        self._measured.clear()
        width = pattern.raw.shape[-1]
        here, clean, device = self.chosen[layer], pattern.clean, pattern.raw.device
        classes = self.reader.read(batch, device)
        asking = torch.stack(
            [clean.rows[:, h] * queries_of(c, classes) for h, c in enumerate(here)], dim=1
        )
        expected = _there(self._expected, layer, device)[None, :, :width, :width]
        blocks = torch.tensor([sequence.block for sequence in batch.sequences])
        types = (batch.tokens % N_TYPE_BLOCKS).flatten()
        for index, weights in enumerate((clean.weights, expected)):
            keys = torch.stack(
                [
                    _on_keys(weights[:, head], asking[:, head], candidate, classes)
                    for head, candidate in enumerate(here)
                ],
                dim=-1,
            )  # [batch key head]
            keys = keys.cpu().double()
            self._by_story[index, :, layer].index_add_(0, blocks, keys.sum(1))
            self._by_type[index, :, layer].index_add_(0, types, keys.flatten(0, 1))
        self._rows[0, layer] += asking.sum((0, 2)).cpu()
        self._rows[1, layer] += clean.rows.sum((0, 2)).cpu()

    def merge(self, processes: Processes) -> None:
        self._measured.clear()
        processes.add(self._by_story, self._by_type, self._rows)

    def nats(self, layer: int, head: int) -> float | None:
        """``LookedAt.nats`` of the head's candidate; None if TEST holds nothing of it."""
        seen, due = self._by_story[:, :, layer, head].numpy().sum(-1)
        rows, all_rows = (np.asarray(count) for count in self._rows[:, layer, head].numpy())
        if due < TINY or rows < 1:
            return None
        return float(information(np.asarray(seen), np.asarray(due), rows, all_rows))

    def looked_at(self, layer: int, head: int, seed: int) -> LookedAt | None:
        """The head's candidate; None if TEST holds nothing of it. Resampled once for a seed."""
        asked = (layer, head, seed)
        if asked not in self._measured:
            self._measured[asked] = self._with_interval(*asked)
        return self._measured[asked]

    def _with_interval(self, layer: int, head: int, seed: int) -> LookedAt | None:
        nats = self.nats(layer, head)
        if nats is None:
            return None
        candidate = self.chosen[layer][head]
        seen, due = self._by_story[:, :, layer, head].numpy()
        random = np.random.default_rng((seed, 4))
        low, high = _lift_interval(seen, due, random)
        if candidate.many_words:
            of_types = self._by_type[:, :, layer, head].numpy()
            by_type = _lift_interval(of_types[0], of_types[1], random)
            low, high = min(low, by_type[0]), max(high, by_type[1])
        lift = float(seen.sum() / due.sum())
        share = float(seen.sum() / self._rows[0, layer, head].numpy())
        return LookedAt(candidate.name, lift, low, high, share, nats, candidate.many_words)


def _there(
    tables: list[Float[Tensor, "head query key"]], layer: int, device: torch.device
) -> Float[Tensor, "head query key"]:
    """The table of a layer on a device, where it stays."""
    tables[layer] = tables[layer].to(device)
    return tables[layer]


def information(
    seen: Float[np.ndarray, "*shape"],
    due: Float[np.ndarray, "*shape"],
    rows: Float[np.ndarray, "*shape"],
    all_rows: Float[np.ndarray, "*#shape"],
) -> Float[np.ndarray, "*shape"]:
    """``rows / all_rows KL(s || p)`` in nats, ``s = seen / rows`` and ``p = due / rows``."""
    s = np.clip(seen / np.maximum(rows, 1), TINY, 1 - TINY)
    p = np.clip(due / np.maximum(rows, 1), TINY, 1 - TINY)
    nats = s * np.log(s / p) + (1 - s) * np.log((1 - s) / (1 - p))
    return np.asarray(rows / np.maximum(all_rows, 1) * nats)


def _by_candidate(
    weights: Float[Tensor, "#batch head query key"],
    rows: Float[Tensor, "batch head query"],
    classes: BatchClasses,
) -> Float[Tensor, "batch head candidate"]:
    """Attention to each candidate, summed over ``rows``, in the order of ``candidates``."""
    n = len(KEY_CLASSES)
    of_classes, single = classes.keys[..., :n], classes.keys[..., n:]
    by_query = (weights @ of_classes[:, None]) * rows[..., None]
    on_keys = torch.einsum("bhq,bhqk->bhk", rows, weights.expand(len(rows), -1, -1, -1))
    same = torch.einsum("bhqk,bqk->bhq", weights.expand(len(rows), -1, -1, -1), classes.same)
    pairs = torch.einsum("bqx,bhqc->bhxc", classes.queries, by_query[..., : len(QUERY_CLASSES)])
    parts = [by_query.sum(2), on_keys @ single, (same * rows).sum(2, keepdim=True)]
    return torch.cat([*parts, pairs.flatten(2)], dim=2).double()


def queries_of(candidate: Candidate, classes: BatchClasses) -> Float[Tensor, "batch query"]:
    """1 for the queries that the candidate is about."""
    if candidate.query is None:
        return torch.ones(classes.queries.shape[:2], device=classes.queries.device)
    return classes.queries[..., candidate.query]


def _on_keys(
    weights: Float[Tensor, "#batch query key"],
    asking: Float[Tensor, "batch query"],
    candidate: Candidate,
    classes: BatchClasses,
) -> Float[Tensor, "batch key"]:
    """Attention that the candidate's keys get from its queries."""
    if candidate.column < 0:
        return (weights * asking[..., None] * classes.same).sum(1)
    attention = (asking[:, None] @ weights)[:, 0]
    return attention * classes.keys[..., candidate.column]


def _lift_interval(
    seen: Float[np.ndarray, " block"],
    due: Float[np.ndarray, " block"],
    random: np.random.Generator,
) -> tuple[float, float]:
    """The interval of a lift over blocks; blocks where nothing is due are left out."""
    present = due > TINY
    low, high = block_bootstrap(
        lambda a, b: a / np.maximum(b, TINY),
        np.where(present, seen, 0.0),
        np.where(present, due, 0.0),
        seed=random,
    )
    return float(low), float(high)

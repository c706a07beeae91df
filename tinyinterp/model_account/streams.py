"""What the first pass over FIT adds up of streams and activations, by context and position."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Int
from torch import Tensor

from tinyinterp.model_account.means import ContextMeans, ContextSums, Occurrences, TokenRows
from tinyinterp.model_account.registry import ClassRows
from tinyinterp.model_account.tags import TagRows
from tinyinterp.network.decoder import Decoder
from tinyinterp.processes import Processes
from tinyinterp.run.switches import POST
from tinyinterp.text.sequences import MicroBatch


class Streams:
    """Adds up residual streams and activations by context and position."""

    def __init__(
        self,
        decoder: Decoder,
        rows: TokenRows,
        tags: TagRows,
        classes: ClassRows,
        longest: int,
        *,
        together: bool,
    ) -> None:
        config = decoder.config
        layers = range(config.n_layers)
        self._together = together
        self._rows, self._tags, self._classes = rows, tags, classes
        self._by_class = {
            f"blocks.{layer}.{POST}": [
                ContextSums(tree, config.d_mlp, longest) for tree in classes.trees
            ]
            for layer in layers
        }
        self._by_tag = {
            f"blocks.{layer}.{POST}": ContextSums(tags.tree, config.d_mlp, longest)
            for layer in layers
        }
        self._sums = {
            f"blocks.{layer}.{name}": ContextSums(rows.tree, width, longest)
            for layer in layers
            for name, width in (("hook_resid_pre", config.d_model), (POST, config.d_mlp))
        }
        self._at = Occurrences(rows.tree, longest)
        self._known: tuple[MicroBatch, Int[Tensor, "batch position"]] | None = None

    def hook_names(self) -> Iterable[str]:
        return list(self._sums)

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        if self._known is None or self._known[0] is not batch:
            self._known = batch, self._rows.of(batch.tokens)[-1]
            self._at.add(self._known[1], batch.mask)
        value = value.cpu()
        self._sums[name].add(value, self._known[1], batch.mask)
        if name in self._by_tag:
            self._by_tag[name].add(value, self._tags.of(batch)[-1], batch.mask)
            if self._classes.trees:
                for sums, at in zip(self._by_class[name], self._classes.of(batch), strict=True):
                    sums.add(value, at, batch.mask)

    def merge(self, processes: Processes) -> None:
        self._at.merge(processes)
        of_classes = (sums for each in self._by_class.values() for sums in each)
        for sums in (*self._sums.values(), *self._by_tag.values(), *of_classes):
            sums.merge(processes)

    def means(self, name: str) -> ContextMeans:
        """What contexts say at one hook; its sums are let go."""
        return self._sums.pop(name).means(self._at.matrix if self._together else None)

    def tag_means(self, name: str) -> ContextMeans:
        """What tags say at one hook; its sums are let go."""
        return self._by_tag.pop(name).means()

    def class_means(self, name: str) -> list[ContextMeans]:
        """What each declared predictor says at one hook; its sums are let go."""
        return [sums.means() for sums in self._by_class.pop(name)]

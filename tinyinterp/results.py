"""What :func:`tinyinterp.heads`, ``neurons`` and ``account`` return: tables with their pictures."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.errors import SelectionError
from tinyinterp.head_census import HeadCensus
from tinyinterp.io.paths import expanded
from tinyinterp.model_account import ModelAccount
from tinyinterp.model_account.beside import heads_beside, neurons_beside
from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.neuron_census import NeuronCensus
from tinyinterp.selection import Index, choose_one

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Heads(HeadCensus):
    """The census of heads, with its picture and explanations in words."""

    @classmethod
    def of(cls, census: HeadCensus) -> Heads:
        """The same census."""
        return cls(**{field.name: getattr(census, field.name) for field in fields(census)})

    def beside(self, account: FinishedAccount | ModelAccount) -> Heads:
        """The census with what every head needs beside its kind, from an account of the model.

        Raises:
            SelectionError: the account is of another model.
        """
        return replace(self, table=heads_beside(self.table, _finished(account)))

    def plot(self) -> Figure:
        """The map of kinds, layers by heads."""
        from tinyinterp.views.kind_map import draw_kind_map

        return draw_kind_map(self.table, f"{self.model_name} on {self.corpus_name}")

    def head_lines(self, layer: Index, head: Index) -> list[str]:
        """Why a head got its label, in words; lines of at most 100 characters.

        Raises:
            SelectionError: there is no such layer or head.
        """
        from tinyinterp.views.explanation import explain_head

        layer = choose_one("layer", layer, len(self.example_patterns))
        head = choose_one("head", head, len(self.example_patterns[layer]))
        row = self.table.row(layer=layer, head=head)
        pattern = self.example_patterns[layer][head]
        return explain_head(row, self.table.notes, self.example_tokens, pattern)


class Account(ModelAccount):
    """The account of a model, with its picture and its words."""

    @classmethod
    def of(cls, account: ModelAccount) -> Account:
        """The same account."""
        return cls(**{field.name: getattr(account, field.name) for field in fields(account)})

    def plot(self) -> Figure:
        """Loss recovered by rung, and against the numbers stored."""
        from tinyinterp.views.account_plot import draw_account
        from tinyinterp.views.pictures import account_title

        return draw_account(self.table, account_title(self.table))

    def lines(self) -> list[str]:
        """The account as a small table with bars; lines of at most 100 characters."""
        from tinyinterp.views.account_lines import account_lines, needs_lines

        rows = account_lines(list(self.table), self.table.notes)
        return rows + needs_lines(self.heads, self.neurons)


class Neurons(NeuronCensus):
    """The census of neurons, with its picture and its text."""

    @classmethod
    def of(cls, census: NeuronCensus) -> Neurons:
        """The same census."""
        return cls(census.layers)

    def beside(self, account: FinishedAccount | ModelAccount) -> Neurons:
        """The census with what every neuron needs beside its kind, from an account of the model.

        Raises:
            SelectionError: the account is of another model.
        """
        found = _finished(account)
        return Neurons(
            {
                number: replace(layer, table=neurons_beside(layer.table, found))
                for number, layer in self.layers.items()
            }
        )

    def plot(self) -> Figure:
        """Purity and AUROC of every neuron, coloured by kind."""
        from tinyinterp.views.neuron_plot import draw_neurons

        layers = ", ".join(map(str, self.layers))
        plural = "s" if len(self.layers) > 1 else ""
        model = self.table.notes["model"]
        return draw_neurons(self.table, f"Neurons of layer{plural} {layers} of {model}")

    def write(self, folder: Path) -> list[Path]:
        """Write the tables of every layer, and the top activations as text; returns the paths."""
        from tinyinterp.views.neuron_text import write_neuron_text

        folder = expanded(folder)
        paths = super().write(folder)
        layers = self.layers.values()
        return paths + [write_neuron_text(layer.table, layer.top, folder) for layer in layers]

    def neuron_lines(self, neuron: Index, layer: Index | None = None) -> list[str]:
        """A neuron's label, its numbers and its top activations; lines of at most 100 characters.

        Args:
            neuron: counted from 0.
            layer: may be left out if the census has only one.

        Raises:
            SelectionError: there is no such neuron, or the layer is missing or not in this census.
        """
        from pyarrow import compute

        from tinyinterp.views.needs import NEEDS, NO_NEURON_ACCOUNT
        from tinyinterp.views.neuron_text import neuron_lines

        if layer is None and len(self.layers) == 1:
            (layer,) = self.layers
        if layer is None:
            known = ", ".join(map(str, self.layers))
            raise SelectionError(f"this census has the layers {known}; say which with layer=")
        found = self.layer(layer)
        neuron = choose_one("neuron", neuron, len(found.table), of="this layer")
        hits = found.top.filter(compute.field("neuron") == neuron).to_pylist()
        row = found.table.row(neuron=neuron)
        last = [] if NEEDS in row else ["", NO_NEURON_ACCOUNT]
        return [*neuron_lines(row, hits), *last]


def _finished(account: FinishedAccount | ModelAccount) -> FinishedAccount:
    return FinishedAccount.of(account) if isinstance(account, ModelAccount) else account

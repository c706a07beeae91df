"""What ``tinyinterp neurons`` does once everything is open: measure or read, then show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyinterp.cli.ablations import Opened, ablation_lines, ablation_rows, write_ablations
from tinyinterp.cli.neuron_lines import neuron_lines, ranking_lines, summary_lines
from tinyinterp.cli.report import print_json, print_lines, say, say_written, without_nan
from tinyinterp.cli.tables import as_json, say_warnings

if TYPE_CHECKING:
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model_account.finished import FinishedAccount
    from tinyinterp.neuron_census import NeuronCensus, NeuronSettings
    from tinyinterp.neuron_census.finished import Finished

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What to show, and how."""

    neuron: int | None
    tag: str | None
    target: str  # whose tag: current, next or previous
    ablate: bool
    as_one_json: bool
    as_json_lines: bool
    account: FinishedAccount | None

    @property
    def about_some(self) -> bool:
        """Whether a finished census is enough to answer."""
        some = self.neuron is not None or self.tag is not None
        ablates_many = self.ablate and self.neuron is None
        return some and not ablates_many and not self.as_one_json


def answer(asked: Asked, opened: Opened, settings: NeuronSettings, folder: Path) -> None:
    """Answer from the census in the folder if it matches; otherwise take the census first."""
    finished = _find(opened, settings, folder) if asked.about_some else None
    if finished is not None:
        say(f"from the census in {folder}")
        _show(asked, finished)
        _show_ablation(asked, opened, finished, settings.seed)
        return
    from tinyinterp.io.output import OutputFolder

    output = OutputFolder(folder)
    census = _take(opened, settings, output, asked.account)
    say_warnings(census.table)
    written = output.written
    if asked.as_one_json:
        print_json(as_json(census.table, output))
        return
    from tinyinterp.neuron_census.finished import Finished

    finished = Finished(output.folder, tuple(census.layers))
    if not asked.as_json_lines:
        print_lines(summary_lines(census.table))
        print_lines([""] if asked.about_some else [])
    _show(asked, finished)
    _show_ablation(asked, opened, finished, settings.seed)
    if asked.ablate and asked.neuron is None:
        written = written + write_ablations(opened, finished, output, settings.seed)
    say_written(output.folder, written)


def _find(opened: Opened, settings: NeuronSettings, folder: Path) -> Finished | None:
    """The census in the folder, if it is the one these settings ask for."""
    from tinyinterp.neuron_census.corpus_stats import corpus_stats
    from tinyinterp.neuron_census.finished import find_finished, table_path
    from tinyinterp.neuron_census.notes import census_fingerprint

    model, corpus = opened.model, opened.corpus
    layers = settings.chosen_layers(model.config.n_layers)
    if not table_path(folder, "neurons", layers[0]).is_file():
        return None
    stats, tagger = corpus_stats(corpus), opened.tag_reader.tagger
    fingerprint = census_fingerprint(model, corpus, settings, stats, tagger)
    return find_finished(folder, layers, fingerprint)


def _take(
    opened: Opened,
    settings: NeuronSettings,
    output: OutputFolder,
    account: FinishedAccount | None,
) -> NeuronCensus:
    """Take the census and write its files, layer by layer, with what the account says."""
    from tinyinterp.io.table import Table
    from tinyinterp.neuron_census import census_neurons
    from tinyinterp.views.neuron_page import write_neuron_page
    from tinyinterp.views.neuron_text import write_neuron_text

    census = census_neurons(
        opened.model, opened.corpus, settings,
        tag_reader=opened.tag_reader, checkpoint_folder=output.folder,
    )  # fmt: skip
    if account is not None:
        from tinyinterp.results import Neurons

        census = Neurons.of(census).beside(account)
    written = []
    for layer, of_layer in census.layers.items():
        with output.filling(f"neurons of layer {layer}", opened.about) as folder:
            of_layer.write(folder)
            write_neuron_text(of_layer.table, of_layer.top, folder)
            top = Table.of_arrow(f"top_activations_layer{layer}", of_layer.top)
            write_neuron_page(of_layer.table, top, folder)
        written += output.written
    output.written = written
    return census


def _show(asked: Asked, finished: Finished) -> None:
    """Show the chosen neuron or ranking; with JSON Lines and neither of them, every neuron."""
    if asked.tag is not None:
        tag = asked.tag.upper()
        ranking = _ranking(asked, finished, tag)
        if asked.as_json_lines:
            _print_json_lines(ranking)
        else:
            print_lines(ranking_lines(ranking, tag, asked.target))
            print_lines([""] if asked.neuron is not None else [])
    if asked.neuron is not None:
        (layer,) = finished.layers
        (row,) = _beside(asked, [finished.neuron(layer, asked.neuron)])
        hits = finished.hits(layer, asked.neuron)
        if asked.as_json_lines:
            _print_json_lines([row | {"top": hits}])
        else:
            print_lines(neuron_lines(row, hits, finished.notes(layer)))
    if asked.as_json_lines and asked.neuron is None and asked.tag is None:
        for layer in finished.layers:
            _print_json_lines(_beside(asked, finished.neurons(layer)))


def _beside(asked: Asked, rows: list[Row]) -> list[Row]:
    """Rows of the neurons table with what the account says, also if an earlier run wrote them."""
    if asked.account is None:
        return rows
    from tinyinterp.model_account.beside import neuron_beside

    joined = [neuron_beside(row, asked.account) for row in rows]
    from tinyinterp.io.table import is_known  # numpy comes with it

    return [{name: v if is_known(v) else None for name, v in row.items()} for row in joined]


def _ranking(asked: Asked, finished: Finished, tag: str) -> list[Row]:
    """The neurons by their correlation with a tag, with what they need where that is known."""
    ranking = finished.ranking(tag, asked.target)
    needs = {
        (layer, row["neuron"]): row["needs"]
        for layer in finished.layers
        for row in _beside(asked, finished.neurons(layer))
        if "needs" in row
    }
    if not needs:
        return ranking
    return [row | {"needs": needs[row["layer"], row["neuron"]]} for row in ranking]


def _show_ablation(asked: Asked, opened: Opened, finished: Finished, seed: int) -> None:
    """Show the rise in loss without the neuron that was asked for."""
    if not asked.ablate or asked.neuron is None:
        return
    (layer,) = finished.layers
    rows = ablation_rows(opened, layer, [finished.neuron(layer, asked.neuron)], seed)
    if asked.as_json_lines:
        _print_json_lines(rows)
    else:
        print_lines(["", *ablation_lines(rows)])


def _print_json_lines(rows: Iterable[dict[str, Any]]) -> None:
    print_lines(json.dumps(without_nan(row), ensure_ascii=False, allow_nan=False) for row in rows)

"""What follows from the declaration of a measure: its values, columns, notes and words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.head_census.test_sums import BLOCKS, HEADS, batch_and_pattern, config_of
from tinyinterp.errors import SelectionError
from tinyinterp.head_census.declared import registered
from tinyinterp.head_census.declared.reach import REACH
from tinyinterp.head_census.patterns import FIRST_QUERY, Pattern, without_sink
from tinyinterp.head_census.registry import (
    KNOWN_PATTERNS,
    HeadMeasure,
    MeasureAccumulator,
    register,
    unregister,
    with_measures,
)
from tinyinterp.statistics import block_bootstrap
from tinyinterp.views.explanation import explanation_paragraphs
from tinyinterp.views.glossary import declared_meanings

POSITIONS = 12
KNOWN = [(measure, name) for measure in registered() for name in measure.known]


def planted(name: str) -> Pattern:
    """One head of one story that does what the name says."""
    pattern = KNOWN_PATTERNS[name](POSITIONS)
    rows = pattern / pattern.sum(-1, keepdim=True).clamp_min(1)
    return Pattern(rows[None, None], [POSITIONS])


@pytest.mark.parametrize(("measure", "name"), KNOWN, ids=lambda each: getattr(each, "name", each))
def test_a_measure_gives_what_it_declares_on_a_pattern_that_is_known(
    measure: HeadMeasure, name: str
):
    clean = planted(name).clean
    values = measure.of_queries(clean)
    assert values.shape == clean.rows.shape
    counted = clean.rows & ~values.isnan()
    assert counted.any()
    assert values[counted].mean().item() == pytest.approx(measure.known[name], abs=1e-5)


def test_known_patterns_do_what_their_names_say():
    for name, distance in (("current token", 0), ("previous token", 1)):
        pattern = planted(name).raw[0, 0]
        for query in range(FIRST_QUERY, POSITIONS):
            assert pattern[query].argmax() == query - distance
            assert pattern[query].sum() == 1
    assert planted("uniform").raw[0, 0, 4, :5].tolist() == pytest.approx([0.2] * 5)


def test_reach_is_the_mean_distance_weighted_by_attention():
    batch, pattern = batch_and_pattern(None)
    clean = without_sink(pattern.raw, batch.lengths)
    found = REACH.of_queries(clean)
    row, head, query = 0, 1, 9
    by_hand = sum(float(clean.weights[row, head, query, k]) * (query - k) for k in range(query + 1))
    assert float(found[row, head, query]) == pytest.approx(by_hand, rel=1e-5)


def test_the_mean_is_over_queries_that_count_and_the_interval_over_blocks():
    batch, pattern = batch_and_pattern(None)
    accumulator = MeasureAccumulator(config_of(None), [REACH])
    accumulator.take(batch, 0, pattern)
    columns = accumulator.columns(seed=3)
    clean = without_sink(pattern.raw, batch.lengths)
    values = REACH.of_queries(clean).double().numpy()
    counted = clean.rows.numpy()
    for head in range(HEADS):
        mean = values[:, head][counted[:, head]].mean()
        assert columns["reach"][0, head] == pytest.approx(mean, rel=1e-6)
    blocks = sorted(set(BLOCKS))
    sums, counts = (
        np.array([
            sum(each[row, 1].sum() for row, block in enumerate(BLOCKS) if block == number)
            for number in range(max(blocks) + 1)
        ], dtype=float)
        for each in (np.where(counted, values, 0), counted)
    )  # fmt: skip
    low, high = columns["reach_low"][0, 1], columns["reach_high"][0, 1]
    wanted = block_bootstrap(np.divide, sums, counts, seed=3)
    assert low < columns["reach"][0, 1] < high
    assert (low, high) == pytest.approx(tuple(map(float, wanted)), rel=0.2)


def test_a_query_that_says_nothing_is_left_out():
    batch, pattern = batch_and_pattern(None)
    only = replace(REACH, of_queries=lambda p: torch.full(p.rows.shape, torch.nan))
    accumulator = MeasureAccumulator(config_of(None), [only])
    accumulator.take(batch, 0, pattern)
    assert np.isnan(accumulator.columns(seed=0)["reach"]).all()


def test_a_shape_that_is_no_number_for_each_query_is_refused():
    batch, pattern = batch_and_pattern(None)
    wrong = replace(REACH, of_queries=lambda p: p.weights.sum((-1, -2)))
    with pytest.raises(SelectionError, match=r"'reach' gave the shape .* a number for each query"):
        MeasureAccumulator(config_of(None), [wrong]).take(batch, 0, pattern)


@pytest.fixture
def emptied() -> Iterator[None]:
    """The registry as it was, afterwards."""
    before = registered()
    yield
    for measure in registered():
        unregister(measure.name)
    for measure in before:
        register(measure)


@pytest.mark.usefixtures("emptied")
def test_a_measure_is_registered_once_by_its_name():
    other = replace(REACH, about="Another.")
    assert register(REACH) is REACH
    with pytest.raises(SelectionError, match="there is a measure 'reach' already"):
        register(other)
    unregister("reach")
    assert register(other) in registered()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Mean reach"}, "expected small letters"),
        ({"name": "reach_low"}, "without _low or _high"),
        ({"about": "how far"}, "does not say what it is"),
        ({"formula": ""}, "does not say what it is"),
        ({"known": {}}, "expected values on one or more of"),
        ({"known": {"sideways": 1.0}}, "known on .'sideways'."),
    ],
)
def test_a_declaration_that_leaves_something_out_is_refused(changes: dict, said: str):
    with pytest.raises(SelectionError, match=said):
        replace(REACH, **changes)


def test_a_measure_with_the_name_of_another_column_is_refused():
    values = {"sink": np.zeros((1, 1))}
    with pytest.raises(SelectionError, match="has a column 'sink' already"):
        with_measures([{"layer": 0, "head": 0, "sink": 0.5}], values)


def test_what_pages_and_explanations_say_follows_from_the_declaration():
    notes = {"measures": MeasureAccumulator(config_of(None), [REACH]).notes(), "rule": "report"}
    assert declared_meanings(notes)["reach"].startswith(REACH.about)
    row = {"layer": 0, "head": 0, "kind": "mixed", "role": "", "decided_by": "report_r"}
    row |= {"value": 0.1, "report_r": 0.1, "report_label": "semantic"}
    row |= {"ablation_loss_increase": float("nan"), "reach": 3.25, "reach_low": 3, "reach_high": 4}
    said = " ".join(explanation_paragraphs(row, notes))
    assert f"Reach: 3.25 tokens (3 to 4). {REACH.about}" in said


@pytest.mark.parametrize("notes", [{}, {"measures": 3}, {"measures": {"reach": []}}])
def test_notes_that_say_nothing_of_measures_are_no_error(notes: dict):
    assert declared_meanings(notes) == {}

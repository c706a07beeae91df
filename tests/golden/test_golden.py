"""The bundled model's tables are those that were written down; `make golden` renews them."""

from __future__ import annotations

import pytest
from golden import tables
from golden.compare import HIT_ROWS, differences
from golden.tables import Row, golden_name, read, rows_of

from tinyinterp.io.table import Table
from tinyinterp.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return tables.model_in()


def require_same(table: Table) -> None:
    golden, now = read(golden_name(table)), rows_of(table)
    keys = [name for name in ("layer", "head", "neuron", "part", "rung") if name in golden[0]]
    found = differences(golden, now, keys)
    more = f"\n... {len(found) - 20} more" if len(found) > 20 else ""
    assert not found, "\n".join(["if this was meant: make golden", *found[:20]]) + more


def test_heads(model: Model):
    require_same(tables.head_table(model))


def test_neurons(model: Model):
    require_same(tables.neuron_table(model))


def test_account(model: Model):
    for table in tables.account_tables(model):
        require_same(table)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"kind": "semantic"}, {"kind": "mixed"}, ["3: kind was semantic, is mixed"]),
        ({"sink": "0.51"}, {"sink": "0.51001"}, []),
        ({"sink": "0.51"}, {"sink": "0.52"}, ["3: sink was 0.51, is 0.52"]),
        ({"effect": "0.0005"}, {"effect": "0.0006"}, ["3: effect was 0.0005, is 0.0006"]),
        ({"sink": "0.51"}, {"sink": ""}, ["3: sink was 0.51, is "]),
        ({"hits": "52"}, {"hits": "53"}, ["3: hits was 52, is 53"]),
    ],
)
def test_what_counts_as_a_difference(before: Row, now: Row, told: list[str]):
    assert differences([{"layer": "3"} | before], [{"layer": "3"} | now], ["layer"]) == told


def test_a_small_number_in_a_column_of_large_ones_may_move_more():
    golden = [{"layer": "0", "rise": "1.0"}, {"layer": "1", "rise": "0.0001"}]
    now = [golden[0], {"layer": "1", "rise": "0.0002"}]
    assert differences(golden, now, ["layer"]) == []


def test_a_bound_may_move_by_a_little_of_its_intervals_width():
    row = {"layer": "3", "keeps": "0.65", "keeps_low": "0.337", "keeps_high": "0.914"}
    assert differences([row], [row | {"keeps_low": "0.335"}], ["layer"]) == []
    for other in ({"keeps_low": "0.333"}, {"keeps": "0.648"}):
        assert len(differences([row], [row | other], ["layer"])) == 1


def test_few_neurons_may_have_a_hit_more_or_less():
    n = round(1 / HIT_ROWS)
    golden = [{"neuron": str(i), "kind": "mixed", "hits": "50", "purity": "0.5"} for i in range(n)]
    more = {"hits": "51", "purity": "0.51"}
    assert differences(golden, [golden[0] | more, *golden[1:]], ["neuron"]) == []
    twice = [golden[0] | more, golden[1] | more, *golden[2:]]
    assert len(differences(golden, twice, ["neuron"])) == 4
    found = differences(golden, [golden[0] | more | {"kind": "word"}, *golden[1:]], ["neuron"])
    assert found == ["0: kind was mixed, is word"]


def test_another_column_or_row_is_a_difference():
    row = {"layer": "3", "sink": "0.5"}
    assert differences([row], [row, row], ["layer"])
    assert differences([row], [row | {"new": "1"}], ["layer"])


def test_the_tables_hold_several_kinds():
    assert len({row["kind"] for row in read("heads")}) >= 4
    assert len({row["kind"] for row in read("neurons")}) >= 5

from __future__ import annotations

from tinyinterp.atlas.tags import NUMBERS, strongest_tags


def association(tag: str, auroc: float, **others: float) -> dict:
    about = {"neuron": 3, "target": "current", "tag": tag, "tested": True}
    return about | {"auroc": auroc, "auroc_low": auroc - 0.01} | others


def correlated(tag: str, auroc: float, r: float) -> dict:
    others = {"tag_correlation": r, "tag_correlation_low": r - 0.1, "tag_recall": 0.5}
    return association(tag, auroc, **others)


def test_tags_come_by_their_correlation_and_in_an_older_census_by_auroc():
    rows = [correlated("NUM", 0.9, 0.02), correlated("ADJ", 0.7, 0.5), correlated("X", 0.2, -0.1)]
    found = strongest_tags(rows)
    assert [tag for _, tag, *_ in found] == ["ADJ", "NUM", "X"]
    assert found[0][2 + NUMBERS.index("tag_correlation")] == 0.5
    assert found[0][2 + NUMBERS.index("tag_recall")] == 0.5
    older = strongest_tags([association("ADJ", 0.7), association("NUM", 0.9)])
    assert [tag for _, tag, *_ in older] == ["NUM", "ADJ"]
    assert older[0][2 + NUMBERS.index("tag_correlation")] is None

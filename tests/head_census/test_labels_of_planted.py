from __future__ import annotations

import numpy as np
import pytest
from planted.patterns import (
    PatternEngine,
    Planted,
    content,
    decay,
    duplicate,
    induction,
    mixture,
    offset,
    place,
    random_corpus,
    sink,
    uniform,
)

from tinyinterp.head_census import labels, rows
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.measure import measure

WINDOW = 17
ANYWHERE = {
    "current": Planted(offset(0), "positional", "current-token"),
    "previous": Planted(offset(1), "positional", "previous-token"),
    "offset 3": Planted(offset(3), "positional", "offset-3"),
    "short decay": Planted(decay(2), "positional", "local-decay"),
    "the last five alike": Planted(uniform(5), "positional", "local-decay"),
    "all alike": Planted(uniform(), "diffuse"),
    "sink": Planted(sink(0.95, offset(1)), "sink"),
    "sink and previous": Planted(sink(0.7, offset(1)), "positional", "previous-token"),
    "content": Planted(content(1.5), "semantic"),
    "faint content": Planted(content(0.2), "diffuse"),
    "little decay in content": Planted(mixture(0.2, decay(4), content(2)), "semantic"),
    "little content in decay": Planted(mixture(0.9, decay(4), content(2)), "positional"),
}
GLOBAL_ONLY = {
    "long decay": Planted(decay(6), "positional", "local-decay"),
    "the last nine alike": Planted(uniform(9), "positional", "local-decay"),
    "place 4": Planted(place(4), "positional", "absolute"),
    "duplicate": Planted(duplicate, "semantic", "duplicate-token"),
    "induction": Planted(induction, "semantic", "induction"),
    "sink and induction": Planted(sink(0.5, induction), "semantic", "induction"),
}
# The same in a layer that cannot look that far: these become something else by the table.
LOCAL_ONLY = {
    "the last 17 alike": Planted(uniform(17), "diffuse"),
    "the last 99 alike": Planted(uniform(99), "diffuse"),
    "the last four alike": Planted(uniform(4), "positional", "local-decay"),
    "offset 5": Planted(offset(5), "positional", "offset-5"),
    "offset 8": Planted(offset(8), "positional", "offset-8"),
    "strong content": Planted(content(3), "semantic"),
}


def labelled(layers, *, noise=0.0, seed=0, n_vocab=281, lengths=(12, 25), n_stories=90):
    """Labels of heads by layer, and the estimates they come from."""
    corpus = random_corpus(
        n_stories=n_stories, shortest=lengths[0], longest=lengths[1], n_vocab=n_vocab, seed=seed
    )
    engine = PatternEngine(
        layers,
        attention=("global", "local")[: len(layers)],
        window=WINDOW,
        n_vocab=n_vocab,
        noise=noise,
    )
    measured = measure(engine, engine.config, corpus, seed=seed, with_looks_at=False)
    tests = labels.decide(measured.estimates.point)
    found = [
        [
            rows.label_of(Decision(int(tests[layer, head])), (layer, head), measured, seed)
            for head in range(tests.shape[1])
        ]
        for layer in range(tests.shape[0])
    ]
    return found, measured.estimates


@pytest.mark.parametrize(
    ("seed", "n_vocab", "lengths", "noise"),
    [
        (0, 281, (12, 25), 0.0),
        (1, 331, (8, 30), 0.0),
        (2, 419, (20, 30), 0.2),
        (3, 283, (6, 18), 0.1),
    ],
)
def test_every_planted_head_gets_its_kind_and_role(seed, n_vocab, lengths, noise):
    layers = [{**ANYWHERE, **GLOBAL_ONLY}, {**ANYWHERE, **LOCAL_ONLY}]
    rules = [[planted.rule for planted in layer.values()] for layer in layers]
    found, _ = labelled(rules, seed=seed, n_vocab=n_vocab, lengths=lengths, noise=noise)
    wrong = [
        (layer, name, label)
        for layer, (heads, planted) in enumerate(zip(found, layers, strict=True))
        for label, (name, head) in zip(heads, planted.items(), strict=True)
        if label["kind"] != head.kind or head.role not in ("", label["role"])
    ]
    assert not wrong


def test_from_content_to_decay_the_kind_goes_by_way_of_mixed():
    shares = [0, 0.2, 0.4, 0.6, 0.65, 0.7, 0.85, 0.95, 1]
    rules = [mixture(share, decay(4), content(2)) for share in shares]
    found, estimates = labelled([rules], n_stories=120)
    explained = estimates.point.explained[0]
    assert (np.diff(explained) > 0).all()
    assert explained[0] == pytest.approx(0, abs=0.02)
    assert explained[-1] == pytest.approx(1, abs=0.002)
    kinds = [label["kind"] for label in found[0] if label["kind"] != "undetermined"]
    assert kinds == sorted(kinds, key=["semantic", "mixed", "positional"].index)
    assert set(kinds) == {"semantic", "mixed", "positional"}
    low, high = estimates.replicates.explained[:, 0].min(0), estimates.replicates.explained.max(0)
    assert (low <= explained).all()
    assert (high >= explained).all()


def test_a_share_that_straddles_its_threshold_is_undetermined():
    shares = np.linspace(0.55, 0.75, 9)
    rules = [mixture(share, decay(4), content(2)) for share in shares]
    found, _ = labelled([rules], n_stories=60)
    for label in found[0]:
        assert label["low"] <= label["value"] <= label["high"], label
        crosses = any(label["low"] < limit <= label["high"] for limit in (0.4, 0.6))
        assert (label["kind"] == "undetermined") == crosses
    assert any(label["kind"] == "undetermined" for label in found[0])


def test_a_sink_is_seen_wherever_key_0_is_in_sight():
    rules = [sink(share, offset(1)) for share in (0.85, 0.95, 1.0)]
    found, estimates = labelled([rules, rules])
    np.testing.assert_allclose(estimates.point.sink, [[0.85, 0.95, 1]] * 2, atol=1e-6)
    assert [label["kind"] for label in found[0]] == ["positional", "sink", "sink"]
    assert found[1] == [
        {**a, "value": b["value"], "low": b["low"], "high": b["high"]}
        for a, b in zip(found[0], found[1], strict=True)
    ]


def test_the_share_of_attention_on_the_repetition_is_measured():
    rules = [
        sink(0.5, induction),
        sink(0.7, induction),
        sink(0.7, duplicate),
        sink(0.85, duplicate),
    ]
    found, estimates = labelled([rules])
    np.testing.assert_allclose(estimates.point.induction[0], [0.5, 0.3, 0, 0], atol=1e-6)
    np.testing.assert_allclose(estimates.point.duplicate[0], [0, 0, 0.3, 0.15], atol=1e-6)
    assert [label["role"] for label in found[0]][::2] == ["induction", "duplicate-token"]
    assert "duplicate_token" not in (found[0][1]["decided_by"], found[0][3]["decided_by"])


def test_an_exactly_uniform_head_explains_nothing_and_is_diffuse():
    found, estimates = labelled([[uniform(), uniform()], [uniform(), uniform(WINDOW)]])
    np.testing.assert_allclose(estimates.point.contrast, 0, atol=1e-6)
    assert np.isnan(estimates.point.position_explained).all()
    assert np.isnan(estimates.point.place_explained).all()
    assert {label["kind"] for heads in found for label in heads} == {"diffuse"}


def test_few_sequences_leave_every_head_undetermined():
    found, _ = labelled([[offset(1), uniform(), content(1.5)]], n_stories=20)  # half on TEST
    assert [label["kind"] for label in found[0]] == ["undetermined"] * 3
    nearest = ["nearest: positional", "nearest: diffuse", "nearest: semantic"]
    assert [label["role"] for label in found[0]] == nearest
    found, _ = labelled([[offset(1)]], n_stories=60)
    assert found[0][0]["kind"] == "positional"

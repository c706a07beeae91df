from __future__ import annotations

from tinyinterp.tagging import PENN, UNIVERSAL
from tinyinterp.views.both_sides import both_sides, median_sides

ROW = {
    "kind": "part-of-speech", "best_tag": "NOUN", "best_target": "current", "hits": 31,
    "tag_precision": 0.9, "tag_recall": 0.25,
}  # fmt: skip


def test_every_tag_has_words():
    said = {both_sides(ROW | {"best_tag": tag}) for tag in (*UNIVERSAL.names, *PENN.names)}
    assert len(said) == len({*UNIVERSAL.names, *PENN.names})
    assert "90% of its hits are proper nouns, and it fires on 25% of proper nouns" in said
    assert "90% of its hits are VBD words, and it fires on 25% of VBD words" in said


def test_a_neuron_without_a_tag_or_without_hits_has_no_sides():
    assert both_sides(ROW | {"best_tag": ""}) == ""
    assert both_sides(ROW | {"hits": 0}) == ""


def test_the_medians_are_those_of_the_part_of_speech_neurons():
    rows = [ROW | {"tag_precision": p, "tag_recall": r} for p, r in ((0.8, 0.3), (0.9, 0.01))]
    others = [ROW | {"kind": "mixed", "tag_precision": 0.0}] * 5
    assert median_sides([*rows, ROW, *others]) == (
        "Medians of the part-of-speech neurons: 90% of the hits have the tag, and the neuron fires "
        "on 25% of the words with the tag."
    )
    assert median_sides(others) == ""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from outcome import Run

SENTENCES = (
    "She/PRON/PRP saw/VERB/VBD a/DET/DT big/ADJ/JJ dog/NOUN/NN ./PUNCT/.",
    "Tim/PROPN/NNP did/AUX/VBD n't/PART/RB run/VERB/VB ./PUNCT/.",
    "Nobody/PRON/NN wants/VERB/VBZ the/DET/DT red/ADJ/JJ ball/NOUN/NN !/PUNCT/.",
)


@pytest.fixture
def treebank(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.conllu"
    lines = []
    for sentence in SENTENCES:
        for number, word in enumerate(sentence.split(), start=1):
            form, upos, xpos = word.split("/")
            lines.append(f"{number}\t{form}\t_\t{upos}\t{xpos}\t_\t0\troot\t_\t_")
        lines.append("")
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


def test_taggers_measures_the_default(run: Run, treebank: Path):
    outcome = run("taggers", "--conllu", treebank, "--tagger", "pattern", "--json")
    assert outcome.err == ""
    found = json.loads(outcome.out)
    assert (found["file"], found["sentences"], found["tags"]) == ("tiny.conllu", 3, "universal")
    (pattern,) = found["taggers"]
    assert re.fullmatch(r"textblob .* PatternTagger", pattern["tagger"])
    assert (pattern["words"], pattern["tagged"], pattern["coverage"]) == (17, 1.0, 1.0)
    assert pattern["low"] <= pattern["accuracy"] <= pattern["high"]
    by_tag = {row["tag"]: row for row in pattern["by_tag"]}
    assert (by_tag["VERB"]["support"], by_tag["VERB"]["recall"]) == (4, 1.0)
    shown = run("taggers", "--conllu", treebank, "--tagger", "pattern").out
    assert re.search(r"^VERB +4 .* 1\.000$", shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 100


def test_without_conllu_its_extra_is_named(
    run: Run, treebank: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "conllu", None)
    outcome = run("taggers", "--conllu", treebank)
    outcome.refused(r"conllu is not installed; pip install 'tinyinterp\[treebank\]'")


def test_all_that_are_installed_are_measured_and_compared(
    run: Run, treebank: Path, monkeypatch: pytest.MonkeyPatch
):
    class Nouns:
        name = "nouns 1"

        def __init__(self, tag_set) -> None:
            self.tag_set = tag_set

        def tag(self, sentences):
            return ["NOUN" for sentence in sentences for _ in sentence]

    monkeypatch.setattr("tinyinterp.tagging.installed_taggers", lambda _: ["pattern", "hanta"])
    monkeypatch.setattr("tinyinterp.tagging.hanta.HantaTagger", Nouns)
    found = json.loads(run("taggers", "--conllu", treebank, "--json").out)["taggers"]
    assert [each["tagger"].split(" ")[0] for each in found] == ["textblob", "nouns", "textblob"]
    assert found[1]["accuracy"] == pytest.approx(2 / 17, abs=1e-6)
    assert found[2]["tagged"] < 0.5
    assert found[2]["tagger"].endswith("and nouns 1, where they agree")


def test_penn_tags(run: Run, treebank: Path):
    outcome = run(
        "taggers", "--conllu", treebank, "--tags", "penn", "--tagger", "pattern", "--json"
    )
    tags = {row["tag"] for row in json.loads(outcome.out)["taggers"][0]["by_tag"]}
    assert {"VBD", "VBZ", "NN", "NNP"} <= tags


def test_what_cannot_be_measured_is_refused(run: Run, treebank: Path, tmp_path: Path):
    run("taggers", "--conllu", tmp_path / "none.conllu").refused("cannot be read as CoNLL-U")
    run("taggers", "--conllu", treebank, "--tagger", "brill").refused("no tagger 'brill'")

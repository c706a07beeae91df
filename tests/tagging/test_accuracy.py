from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference import auroc

from tinyinterp.errors import CorpusError
from tinyinterp.tagging import PENN, UNIVERSAL, AgreeingTaggers
from tinyinterp.tagging.accuracy import measure_accuracy, perfect_auroc
from tinyinterp.tagging.treebank import read_treebank

TREEBANK = """\
# newdoc id = one
# sent_id = 1
1\tTim\tTim\tPROPN\tNNP\t_\t0\troot\t_\t_
2-3\tdidn't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdid\tdo\tAUX\tVBD\t_\t4\taux\t_\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t_\t_
4\trun\trun\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No
5\t.\t.\tPUNCT\t.\t_\t4\tpunct\t_\t_

# newpar
1\tGonna\t_\tVERB\tVBG\t_\t0\troot\t_\t_
1.1\tghost\t_\tVERB\tVB\t_\t_\t_\t_\t_
2-3\tdu\t_\t_\t_\t_\t_\t_\t_\t_
2\tde\tde\tADP\tIN\t_\t0\tcase\t_\t_
3\tle\tle\tDET\tDT\t_\t0\tdet\t_\t_
4\ta-dog\tdog\tNOUN\tNN\t_\t0\troot\t_\tSpaceAfter=No
5\t!\t!\tPUNCT\t.\t_\t0\tpunct\t_\t_

# newdoc
1\t1 000\t_\tNUM\tCD\t_\t0\troot\t_\t_
2\tdogs\tdog\tNOUN\tNNS\t_\t0\troot\t_\t_

"""


@pytest.fixture
def documents(tmp_path: Path):
    path = tmp_path / "tiny.conllu"
    path.write_text(TREEBANK, "utf-8")
    return read_treebank(path)


RIGHT = {
    "Tim": "PROPN",
    "did": "VERB",
    "n't": "PART",
    "run": "VERB",
    "Gonna": "VERB",
    "de": "ADP",
    "le": "DET",
    "a-dog": "NOUN",
    "1000": "NUM",
    "dogs": "NOUN",
    ".": "PUNCT",
    "!": "PUNCT",
}


class TableTagger:
    """Right, except on the words it is given to get wrong."""

    name = "table 3"

    def __init__(self, wrong: dict[str, str], tag_set=UNIVERSAL) -> None:
        self.wrong = wrong
        self.tag_set = tag_set

    def tag(self, sentences):
        return [(RIGHT | self.wrong).get(word, "X") for words in sentences for word in words]


def test_texts_are_put_together_and_words_know_their_characters(documents):
    assert [document.text for document in documents] == [
        "Tim didn't run.\nGonna du a-dog!",
        "1 000 dogs",
    ]
    text = documents[0].text
    words = [
        [(word.form, text[word.start : word.end]) for word in sentence]
        for sentence in documents[0].sentences
    ]
    assert words == [
        [("Tim", "Tim"), ("did", "did"), ("n't", "n't"), ("run", "run"), (".", ".")],
        [("Gonna", "Gonna"), ("de", ""), ("le", ""), ("a-dog", "a-dog"), ("!", "!")],
    ]
    did = documents[0].sentences[0][1]
    assert (did.tag(UNIVERSAL), did.tag(PENN)) == ("VERB", "VBD")


def test_a_treebank_without_documents_is_one_for_each_sentence(tmp_path: Path):
    path = tmp_path / "plain.conllu"
    path.write_text(TREEBANK.replace("# newdoc id = one\n", "").replace("# newdoc\n", ""), "utf-8")
    assert [len(document.sentences) for document in read_treebank(path)] == [1, 1, 1]


@pytest.mark.parametrize("content", ["hello world\n", "", "1\tThe\tthe\n", "# only = this\n\n"])
def test_what_is_no_treebank_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "bad.conllu"
    path.write_text(content, "utf-8")
    with pytest.raises(CorpusError, match="CoNLL-U"):
        read_treebank(path)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_treebank(tmp_path / "missing.conllu")


def test_accuracy_by_hand(documents):
    """Twelve words; "run" is called a noun and "!" a symbol."""
    found = measure_accuracy(TableTagger({"run": "NOUN", "!": "SYM"}), documents)
    assert (found.words, found.tagged) == (12, 1.0)
    assert found.accuracy == pytest.approx(10 / 12)
    assert found.low <= found.accuracy <= found.high
    assert found.low < found.high
    # in the raw text: all but "de" and "le", "a-dog" (three words to us) and "1 000" (two)
    assert found.coverage == pytest.approx(8 / 12)
    assert found.raw_accuracy == pytest.approx(6 / 8)
    by_tag = {row.tag: row for row in found.by_tag}
    assert list(by_tag) == [tag for tag in UNIVERSAL.names if tag in by_tag]
    assert set(UNIVERSAL.names) - set(by_tag) == {"ADJ", "ADV", "PRON", "CCONJ", "INTJ", "X"}
    noun, verb, symbol = by_tag["NOUN"], by_tag["VERB"], by_tag["SYM"]
    assert (noun.support, noun.precision, noun.recall) == (2, pytest.approx(2 / 3), 1.0)
    assert noun.f1 == pytest.approx(0.8)
    assert (verb.support, verb.precision, verb.recall) == (3, 1.0, pytest.approx(2 / 3))
    assert verb.perfect_auroc == pytest.approx((1 + 1 - 1 / 10) / 2)
    assert (symbol.support, symbol.precision, symbol.recall, symbol.f1) == (0, 0.0, 0.0, 0.0)


def test_where_two_agree_only_those_words_count(documents):
    taggers = AgreeingTaggers(TableTagger({"run": "NOUN", "!": "SYM"}), TableTagger({"!": "SYM"}))
    found = measure_accuracy(taggers, documents)
    assert found.tagged == pytest.approx(11 / 12)
    assert found.accuracy == pytest.approx(10 / 11)
    assert {row.tag: row.support for row in found.by_tag}["VERB"] == 2
    assert found.coverage == pytest.approx(8 / 12)
    assert found.raw_accuracy == pytest.approx(6 / 7)


def test_taggers_that_never_agree(documents):
    never = AgreeingTaggers(TableTagger({}), TableTagger(dict.fromkeys(RIGHT, "X")))
    found = measure_accuracy(never, documents)
    assert (found.tagged, found.accuracy, found.low, found.high) == (0.0, 0.0, 0.0, 1.0)
    assert found.by_tag == ()


def test_a_treebank_without_the_tags_is_refused(tmp_path: Path):
    path = tmp_path / "untagged.conllu"
    path.write_text("1\tTim\tTim\t_\t_\t_\t0\troot\t_\t_\n\n", "utf-8")
    with pytest.raises(CorpusError, match="no universal tags to compare with"):
        measure_accuracy(TableTagger({}), read_treebank(path))


@pytest.mark.parametrize("true_auroc", [1.0, 0.8, 0.5, 0.2])
def test_label_noise_does_to_auroc_what_the_formula_says(true_auroc: float):
    """Labels flipped by known rates, at random given the truth; scores with a known AUROC."""
    random = np.random.default_rng(3)
    n, share, kept, false = 20_011, 0.23, 0.87, 0.04
    truth = random.random(n) < share
    labels = np.where(truth, random.random(n) < kept, random.random(n) < false)
    farther = max(true_auroc, 1 - true_auroc)
    shift = 1 - np.sqrt(2 * (1 - farther))  # of uniforms: P(a + d > b) = 1 - (1 - d)^2 / 2
    scores = random.random(n) + truth * shift * np.sign(true_auroc - 0.5)
    assert auroc(scores, truth) == pytest.approx(true_auroc, abs=0.01)
    precision = truth[labels].mean()
    missed = truth[~labels].mean()
    expected = perfect_auroc(float(precision), float(missed), true_auroc)
    assert auroc(scores, labels) == pytest.approx(expected, abs=0.01)

"""``tinyinterp taggers``: the accuracy of the part-of-speech taggers on a treebank."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.options import Json, Seed, Tags, WhichTags
from tinyinterp.cli.report import columns, print_json, print_lines

if TYPE_CHECKING:
    from tinyinterp.tagging.accuracy import Accuracy


def taggers(
    *,
    conllu: Annotated[
        Path,
        typer.Option(metavar="FILE", help="A treebank in CoNLL-U: words tagged by hand."),
    ],
    tagger: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="pattern, spacy, spacy:PIPELINE, hanta or agree; may be repeated. Default: every "
            "installed tagger, and the default tagger together with each of the others.",
        ),
    ] = None,
    tags: WhichTags = Tags.UNIVERSAL,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure the accuracy of the part-of-speech taggers on a treebank.

    "Perfect AUROC" is the AUROC, by the tagger's labels, of a neuron that predicts the true tag
    without error. See docs/parts-of-speech.md.
    """
    from tinyinterp.tagging import DEFAULT_TAGGER, AgreeingTaggers, installed_taggers, open_tagger
    from tinyinterp.tagging.accuracy import measure_accuracy
    from tinyinterp.tagging.treebank import read_treebank

    documents = read_treebank(conllu)
    opened = [open_tagger(name, tags) for name in tagger or installed_taggers(tags)]
    if not tagger:
        default = open_tagger(DEFAULT_TAGGER, tags)
        opened += [AgreeingTaggers(default, other) for other in opened[1:]]
    measured = [measure_accuracy(each, documents, seed) for each in opened]
    if as_json:
        sentences = sum(len(document.sentences) for document in documents)
        print_json(
            {
                "file": conllu.name,
                "sentences": sentences,
                "tags": tags.value,
                "taggers": [asdict(accuracy) for accuracy in measured],
            }
        )
        return
    for number, accuracy in enumerate(measured):
        print_lines([""] * (number > 0) + _lines(accuracy))


def _lines(accuracy: Accuracy) -> list[str]:
    bounds = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
    raw_bounds = f"{accuracy.raw_low:.1%} to {accuracy.raw_high:.1%}"
    about = [
        accuracy.tagger,
        f"  {accuracy.words:,} words, {accuracy.tagged:.1%} of them tagged",
        f"  accuracy on the treebank's words: {accuracy.accuracy:.1%} ({bounds})",
        f"  accuracy on raw text: {accuracy.raw_accuracy:.1%} ({raw_bounds})",
        f"  words found in raw text: {accuracy.coverage:.1%}",
    ]
    rows = [
        [
            row.tag,
            row.support,
            f"{row.precision:.3f}",
            f"{row.recall:.3f}",
            f"{row.f1:.3f}",
            f"{row.perfect_auroc:.3f}",
        ]
        for row in accuracy.by_tag
    ]
    header = ["tag", "words", "precision", "recall", "F1", "perfect AUROC"]
    classes = [
        [
            row.name,
            row.words,
            f"{row.accuracy:.1%}",
            f"{row.low:.1%} to {row.high:.1%}",
            row.mostly,
        ]
        for row in accuracy.by_class
    ]
    class_header = ["class", "words", "accuracy", "95 % interval", "wrong tag, mostly"]
    return [*about, *columns(header, rows), "", *columns(class_header, classes)]

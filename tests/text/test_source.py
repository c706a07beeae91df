"""The same stories by any route are the same text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import tiny_tokenizer
from pyarrow import parquet

from tinyinterp.errors import CorpusError
from tinyinterp.text.cleaning import fold_blank_lines
from tinyinterp.text.corpus import corpus_of, open_corpus
from tinyinterp.text.source import open_stories

END = "<|endoftext|>"
GIVEN = (
    "â€œHi,â€\x9d she said.\n\nTim ran.",  # mojibake, and a blank line
    "  One day, Lily saw a ball.\r\n \t\r\nThe end. \n",
    f"The sun was warm.{END}\nThe cat was happy.",  # two in one
    " \n",
    "Zoë had a 🐢.",
)
KEPT = [
    "“Hi,” she said.\n\nTim ran.",
    "One day, Lily saw a ball.\n \t\nThe end.",
    "The sun was warm.",
    "The cat was happy.",
    "Zoë had a 🐢.",
]
FOLDED = ["“Hi,” she said.\nTim ran.", "One day, Lily saw a ball.\nThe end.", *KEPT[2:]]


def as_text(folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    path = folder / "stories.txt"
    path.write_bytes(f"\n{END}\n".join(stories).encode())
    return {"text": path}


def as_json(folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    path = folder / "stories.json"
    path.write_text(json.dumps(stories), "utf-8")
    return {"text": str(path)}


def as_json_lines(folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    path = folder / "stories.jsonl"
    path.write_text("\n".join(json.dumps({"text": story}) for story in stories), "utf-8")
    return {"text": path}


def as_parquet(folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    parquet.write_table(pa.table({"text": list(stories)}), folder / "stories.parquet")
    return {"text": folder / "stories.parquet"}


def as_data_set(folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    as_parquet(folder, stories)
    return {"dataset": str(folder)}


def as_list(_folder: Path, stories: Sequence[str]) -> dict[str, Any]:
    return {"text": stories}


ROUTES = [as_text, as_json, as_json_lines, as_parquet, as_data_set, as_list]


@pytest.mark.parametrize("fold_for", [None, "a model"])
@pytest.mark.parametrize("route", ROUTES)
def test_the_same_stories_by_any_route_are_the_same_sequences_sides_and_blocks(
    tmp_path: Path, route: Callable[..., dict[str, Any]], fold_for: str | None
):
    expected = corpus_of(KEPT if fold_for is None else FOLDED, tiny_tokenizer(), 31).sequences()
    corpus = open_corpus(tiny_tokenizer(), 31, **route(tmp_path, GIVEN), fold_for=fold_for)
    assert corpus.blank_lines == ("kept" if fold_for is None else "folded")
    for found, wanted in zip(corpus.sequences(), expected, strict=True):
        assert found.tokens.tolist() == wanted.tokens.tolist()
        assert found.offsets.tolist() == wanted.offsets.tolist()
        assert (found.story, found.number, found.side, found.block, found.start) == (
            wanted.story,
            wanted.number,
            wanted.side,
            wanted.block,
            wanted.start,
        )


def test_that_blank_lines_were_folded_is_said_once(capsys: pytest.CaptureFixture[str]):
    stories = open_stories(["One.", *GIVEN], fold_for="this model")
    assert next(stories.read()) == "One."
    assert capsys.readouterr().err == ""
    assert list(stories.read()) == list(stories.read()) == ["One.", *FOLDED]
    said = capsys.readouterr().err
    assert said.startswith("note: text: blank lines are read as single line breaks, because this")
    assert said.count("--keep-blank-lines") == 1


def test_nothing_is_said_where_nothing_was_folded(capsys: pytest.CaptureFixture[str]):
    assert list(open_stories(KEPT).read()) == KEPT
    assert list(open_stories(FOLDED, fold_for="this model").read()) == FOLDED
    assert capsys.readouterr().err == ""


@given(st.text(" \t\nab"))
def test_folding_takes_blank_lines_and_nothing_else(story: str):
    folded = fold_blank_lines(story)
    *lines, last = story.split("\n")
    inner = [line for line in lines[1:] if line.strip()]
    assert folded == "\n".join([*lines[:1], *inner, last])
    assert fold_blank_lines(folded) == folded


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", [[1], ["One.", 2], [["One."]]])
def test_a_story_that_is_no_text_is_refused(wrong: list[Any]):
    with pytest.raises(CorpusError, match="where a story was expected"):
        open_stories(wrong)

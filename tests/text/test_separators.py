"""Without marks, what separates stories is decided by the text, and said."""

from __future__ import annotations

import pytest

from tinyinterp.errors import CorpusError
from tinyinterp.text.separators import SEPARATORS, Layout, decide
from tinyinterp.text.source import open_stories
from tinyinterp.text.stories import read_stories

SHORT = [f"Tim had {n} dogs. They ran and ran." for n in range(400)]
LONG = [f"Story {n} begins. " + "The sun was warm and the cat was happy. " * 12 for n in range(9)]
LONG = [story.strip() for story in LONG]


def write(folder, text):
    path = folder / "stories.txt"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("\n".join(LONG), Layout("lines")),
        ("\n".join(SHORT), Layout("lines")),
        ("\n\n".join(LONG), Layout("blank-lines")),
        ("\n\n".join(f"{a}\n{a}" for a in SHORT), Layout("blank-lines")),
        ("\n\n\n".join(f"{a}\n\n{a}\n\n{a}" for a in LONG), Layout("blank-lines", 2)),
        ("\n".join(SHORT[:4]), Layout("none")),
        ("\n\n".join(SHORT[:4]), Layout("none")),
        (LONG[0], Layout("none")),
        (" ".join(SHORT), Layout("none")),
        ("\n<|endoftext|>\n".join("\n\n".join(SHORT[n : n + 9]) for n in (0, 9)), Layout("marks")),
        ("\n".join(SHORT) + "\n<|endoftext|>\n", Layout("lines")),
        ("", Layout("none")),
    ],
)
def test_the_text_decides(text, layout):
    assert decide(text) == layout


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n \n"])
def test_stories_without_marks_are_separated_and_that_is_said_once(tmp_path, capsys, between):
    stories = open_stories(write(tmp_path, between.join(LONG) + "\n"))
    assert list(stories.read()) == list(stories.read()) == LONG
    said = capsys.readouterr().err
    assert said.startswith("note: stories.txt: no marks such as <|endoftext|>, so ")
    assert "--separator" in said
    assert said.count("\n") == 1


def test_a_long_text_without_anything_between_its_stories_is_one_with_a_note(tmp_path, capsys):
    text = " ".join(SHORT)
    assert list(read_stories(write(tmp_path, text))) == [text]
    assert "so the text is one story" in capsys.readouterr().err


def test_a_short_text_is_one_story_silently(tmp_path, capsys):
    text = "Once.\n\nTwice."
    assert list(read_stories(write(tmp_path, text))) == [text]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("separator", "stories"),
    [
        ("lines", ["One.", "Two.", "Three. <s> x"]),
        ("blank-lines", ["One.\nTwo.", "Three. <s> x"]),
        ("none", ["One.\nTwo.\n\nThree. <s> x\n</s>"]),
        ("marks", ["One.\nTwo.\n\nThree. <s> x"]),
    ],
)
def test_a_separator_that_is_named_is_taken(tmp_path, capsys, separator, stories):
    path = write(tmp_path, "One.\nTwo.\n\nThree. <s> x\n</s>\n".replace(". <s>", " <s>"))
    stories = [story.replace(". <s>", " <s>") for story in stories]
    assert list(read_stories(path, separator=separator)) == stories
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("unchecked")
def test_an_unknown_separator_and_one_for_a_table_are_refused(tmp_path):
    with pytest.raises(CorpusError, match=f"expected one of {', '.join(SEPARATORS)}"):
        list(read_stories(write(tmp_path, "One."), separator="tabs"))
    (tmp_path / "a.json").write_text('["One."]')
    with pytest.raises(CorpusError, match="--separator lines is for a plain text"):
        list(read_stories(tmp_path / "a.json", separator="lines"))


def test_a_huge_line_without_marks_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tinyinterp.text.marks.LONGEST_STORY", 1_000_000)
    path = write(tmp_path, "Once upon a time. " * 70_000)
    with pytest.raises(CorpusError, match="more than 1,000,000 characters without a mark"):
        list(read_stories(path))
    assert len(list(read_stories(write(tmp_path, "Once. </s> " * 200_000)))) == 200_000


def test_a_story_that_is_hardly_one_is_mentioned(capsys):
    list(open_stories(["a " * 60_000]).read())
    assert "one story has 119,999 characters" in capsys.readouterr().err

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tinyinterp.errors import CorpusError
from tinyinterp.text.cleaning import clean
from tinyinterp.text.json_stories import items_of_json
from tinyinterp.text.stories import read_dataset, read_stories

STORIES = ["One day, “Tim” ran.\n\nThe end.", "Zoë saw a 🐢.", "A piñata…\nIt broke."]
END = "<|endoftext|>"


def as_text(stories):
    return "".join(f"{story}\n{END}\n" for story in stories).encode()


def as_json(stories):
    return json.dumps([{"story": story, "summary": "no"} for story in stories]).encode()


def as_strings(stories):
    return json.dumps(stories, ensure_ascii=False, indent=2).encode()


def as_lines(stories):
    return "\n\n".join(json.dumps({"text": story}) for story in stories).encode()


def as_parquet(stories):
    sink = pa.BufferOutputStream()
    columns = {"index": list(range(len(stories))), "text": stories}
    parquet.write_table(pa.table(columns), sink, row_group_size=2)
    return sink.getvalue().to_pybytes()


KINDS = {
    "stories.txt": as_text,
    "stories": as_text,
    "stories.json": as_json,
    "strings.JSON": as_strings,
    "stories.jsonl": as_lines,
    "stories.parquet": as_parquet,
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_its_stories(tmp_path, name):
    (tmp_path / name).write_bytes(KINDS[name](STORIES))
    assert list(read_stories(tmp_path / name)) == STORIES


@pytest.mark.parametrize("name", KINDS)
def test_stories_are_stripped_and_empty_ones_left_out(tmp_path, name):
    (tmp_path / name).write_bytes(KINDS[name](["", f"\n {STORIES[0]}\n", " \n", STORIES[1], ""]))
    assert list(read_stories(tmp_path / name)) == STORIES[:2]


@pytest.mark.parametrize("name", KINDS)
def test_many_stories_stream_across_the_borders_of_reading(tmp_path, name):
    many = [f"Story {n}: " + "ñ🐢“x” " * (n % 31) + "end." for n in range(3001)]
    (tmp_path / name).write_bytes(KINDS[name](many))
    assert list(read_stories(tmp_path / name)) == many


@given(st.lists(st.text()), st.integers(1, 11), st.sampled_from([None, 0, 1]))
def test_a_json_list_is_the_same_in_chunks_of_any_size(items, size, indent):
    text = f" {json.dumps(items, indent=indent)}\n"
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    assert list(items_of_json(chunks, "list.json")) == items


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stories.txt", "holds a NUL"),
        ("stories.json", "something follows the list|holds a NUL"),
        ("stories.jsonl", "is not JSON|holds a NUL"),
    ],
)
def test_stories_come_before_the_file_is_read_to_its_end(tmp_path, name, message):
    whole = KINDS[name]([f"Story {n}." for n in range(100_003)])
    (tmp_path / name).write_bytes(whole + b"\n\0")  # what is wrong at the end is found at the end
    stories = read_stories(tmp_path / name)
    assert [next(stories) for _ in range(3)] == ["Story 0.", "Story 1.", "Story 2."]
    with pytest.raises(CorpusError, match=message):
        list(stories)


@pytest.mark.parametrize("name", ["stories.txt", "stories.json", "stories.jsonl"])
def test_a_byte_order_mark_is_no_text(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + KINDS[name](STORIES))
    assert list(read_stories(tmp_path / name)) == STORIES


def test_windows_line_ends_become_plain_ones(tmp_path):
    (tmp_path / "stories.txt").write_bytes(as_text(STORIES).replace(b"\n", b"\r\n"))
    assert list(read_stories(tmp_path / "stories.txt")) == STORIES


@given(st.lists(st.sampled_from([*STORIES, "", "a", "\n"])), st.sampled_from(["", "\n", " \n\n"]))
def test_text_splits_wherever_end_of_text_stands(tmp_path_factory, stories, around):
    path = tmp_path_factory.mktemp("stories") / "stories.txt"
    path.write_bytes(f"{around}{END}{around}".join(["first", *stories, "last"]).encode())
    kept = [story for story in stories if story.strip()]
    assert list(read_stories(path)) == ["first", *kept, "last"]


@pytest.mark.parametrize("name", KINDS)
def test_a_row_that_holds_end_of_text_is_several_stories(tmp_path, name):
    rows = [f"{END}One.{END}\n{END} Two. ", f"Three.\n{END}", END]
    (tmp_path / name).write_bytes(KINDS[name](rows))
    assert list(read_stories(tmp_path / name)) == ["One.", "Two.", "Three."]


def test_a_text_without_end_of_text_is_one_story(tmp_path):
    (tmp_path / "one.txt").write_text("Once.\n\nTwice.\n", "utf-8")
    assert list(read_stories(tmp_path / "one.txt")) == ["Once.\n\nTwice."]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "holds no story"),
        ("blank.txt", b"\n \n<|endoftext|>\n", "holds no story"),
        ("empty.json", b"[]", "holds no story"),
        ("half.json", b'["One day', "is not JSON"),
        ("nothing.json", b"", "is not JSON"),
        ("object.json", b'{"text":\n"One day"}', "holds one JSON object over several lines"),
        ("word.json", b'"One day"', "should hold a list of stories, it starts with '\"'"),
        ("more.json", b'["a"] ["b"]', "something follows the list"),
        ("commas.json", b'["a",, "b"]', "is not JSON"),
        ("comma.json", b'["a",]', "is not JSON"),
        ("no_comma.json", b'["a" "b"]', "expected ',' before"),
        ("start.json", b"[,", "is not JSON"),
        ("numbers.json", b"[1, 2]", "item 1: a number 1 where a story was expected"),
        ("half.jsonl", b'{"text": "a"}\n{"text": ', "line 2 is not JSON"),
        ("other.jsonl", b'{"year": 1}', r"has the columns 'year' \(a number\); expected a column"),
        ("not.parquet", b"PAR0", "is not Parquet"),
    ],
)
def test_what_holds_no_stories_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        list(read_stories(tmp_path / name))


@pytest.mark.parametrize("name", ["stories.arrow", "stories.parquet"])
def test_names_of_columns_that_are_not_utf_8_are_refused(tmp_path: Path, name: str):
    table, path = pa.table({"column": ["One day"], "title": ["A day"]}), tmp_path / name
    if path.suffix == ".parquet":
        parquet.write_table(table, path, store_schema=False)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    path.write_bytes(path.read_bytes().replace(b"title", b"t\xf8tle"))
    with pytest.raises(CorpusError, match=r"is not (Arrow|Parquet): 'utf-8' codec"):
        list(read_stories(path))


def test_a_missing_file_and_a_folder_without_texts_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="is not a file"):
        list(read_stories(tmp_path / "none.txt"))
    with pytest.raises(CorpusError, match="is a folder without a text"):
        list(read_stories(tmp_path))


@pytest.mark.parametrize("story", ["There was a dog.\n" * 400, "a" * 300, "a/" * 3000])
def test_a_story_given_for_a_path_is_refused_in_one_line(story):
    with pytest.raises(CorpusError, match=r"is not a file; .* not a story itself$") as caught:
        list(read_stories(Path(story)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("published", "right"),
    [
        ("â€œHello,â€\x9d she said.", "“Hello,” she said."),
        ("â€œHello,â€ she said.", "“Hello,” she said."),  # as published: the third byte is lost
        ("She said, â€œHello.â€\n\nâ€œGo!â€", "She said, “Hello.”\n\n“Go!”"),
        ("â€œIt isnâ€™tâ€, he said.", "“It isn’t”, he said."),
        ("He waited â€” and waited.", "He waited — and waited."),
        ('He waited â€" and waited.', "He waited — and waited."),
        ("from 1 â€“ 2", "from 1 – 2"),
        ("Waitâ€¦", "Wait…"),
        ("the cafÃ©", "the café"),
        ("a piÃ±ata", "a piñata"),
        ("some are right “yes” and some â€œnoâ€", "some are right “yes” and some “no”"),
    ],
)
def test_mojibake_is_repaired(published, right):
    assert clean(published) == right
    assert clean(right) == right


@given(st.text(alphabet=st.sampled_from("aZ .,!?\n'\"“”‘’–—…ñéèüçß🐢")))
def test_what_was_right_stays(text):
    assert clean(text) == text


def test_a_data_set_in_a_folder_is_read_with_datasets(tmp_path):
    parquet.write_table(pa.table({"text": [*STORIES, " "]}), tmp_path / "train.parquet")
    assert list(read_dataset(str(tmp_path))) == STORIES


def test_a_row_of_a_data_set_that_holds_end_of_text_is_several_stories(tmp_path):
    parquet.write_table(pa.table({"text": [f"One.{END}Two.", END]}), tmp_path / "train.parquet")
    assert list(read_dataset(str(tmp_path))) == ["One.", "Two."]


def test_a_data_set_of_lines_is_put_together(tmp_path):
    lines = ["Words: a, b", "Story: ", "One day.", END, "Words: c", "Story: Two.", END, ""]
    folder = tmp_path / "TinyStoriesInstruct"
    folder.mkdir()
    parquet.write_table(pa.table({"text": lines}), folder / "validation.parquet")
    assert list(read_dataset(str(folder), "validation")) == [
        "Words: a, b\nStory: \nOne day.",
        "Words: c\nStory: Two.",
    ]


def test_a_data_set_that_cannot_be_read_says_what_to_do(tmp_path):
    parquet.write_table(pa.table({"year": [1]}), tmp_path / "train.parquet")
    with pytest.raises(CorpusError, match="expected a column 'text'"):
        list(read_dataset(str(tmp_path)))
    with pytest.raises(CorpusError, match="without a network give a file with --text"):
        list(read_dataset(str(tmp_path / "none")))

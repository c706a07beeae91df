"""Files of other programs hold the stories that their writer meant, or are refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import pickle
import sys
import threading

import datasets
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tinyinterp.errors import CorpusError
from tinyinterp.text.source import open_stories
from tinyinterp.text.stories import read_dataset, read_stories

STORIES = ['One day, "Tim" ran.\n\nThe end.', "Zoë saw a 🐢.", "Tim, Tom; and\tAnn."]


def as_csv(rows, **options):
    sink = io.StringIO()
    csv.writer(sink, **options).writerows(rows)
    return sink.getvalue().encode()


TABLES = {
    "kaggle": as_csv([["text"], *([story] for story in STORIES)]),
    "unix": as_csv([["text"], *([s] for s in STORIES)], quoting=csv.QUOTE_ALL, lineterminator="\n"),
    "index": as_csv([["", "text"], *([n, s] for n, s in enumerate(STORIES))]),
    "semicolons": as_csv(
        [["id", "Story"], *([n, s] for n, s in enumerate(STORIES))], delimiter=";"
    ),
    "tabs": as_csv([["content", "id"], *([s, "x"] for s in STORIES)], delimiter="\t"),
    "json list": json.dumps(STORIES).encode(),
    "json objects": json.dumps([{"story": s, "source": "GPT-4"} for s in STORIES]).encode(),
    "json lines": "\n".join(
        json.dumps({"id": n, "text": s}) for n, s in enumerate(STORIES)
    ).encode(),
    "json strings": "\n".join(json.dumps(s) for s in STORIES).encode(),
    "bom": b"\xef\xbb\xbf" + as_csv([["text"], *([story] for story in STORIES)]),
}


@pytest.mark.parametrize("suffix", ["", ".txt", ".dat"])
@pytest.mark.parametrize("kind", TABLES)
def test_tables_are_recognised_by_what_they_hold(tmp_path, kind, suffix):
    path = tmp_path / f"stories{suffix}"
    path.write_bytes(TABLES[kind])
    assert list(read_stories(path)) == STORIES


@given(st.lists(st.text('a,"\n;\t é', min_size=1).filter(str.strip), min_size=1))
def test_what_csv_writes_is_read(tmp_path_factory, stories):
    path = tmp_path_factory.mktemp("csv") / "stories.csv"
    path.write_bytes(
        as_csv([["id", "text"], *([f"s{n}", story] for n, story in enumerate(stories))])
    )
    assert list(read_stories(path)) == [story.strip() for story in stories]


def test_json_lines_named_json_and_a_list_named_jsonl_are_read(tmp_path):
    (tmp_path / "a.json").write_bytes(TABLES["json lines"])
    (tmp_path / "a.jsonl").write_bytes(TABLES["json list"])
    for name in ("a.json", "a.jsonl"):
        assert list(read_stories(tmp_path / name)) == STORIES


@pytest.mark.parametrize(
    "story",
    [
        '"Hello," said Tim.\n"Hi!"',
        "[Tim comes in]\nTim: Hello.",
        "{A curly story} of Tim.",
        "text, he said, was dull.\nThe end.",
        "Story\n\nOnce there was a cat.",
        '"Hello!"\nTim ran.',
    ],
)
def test_a_text_that_resembles_a_table_stays_a_text(tmp_path, story):
    path = tmp_path / "story.txt"
    path.write_text(story, "utf-8")
    assert list(read_stories(path)) == [story]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"One day, Tim ran. He fell.\n", "has no header: its first line is 'One day"),
        ("a.csv", b"", "has no header|holds no story"),
        ("a.csv", b'id,text\n1,"One\n2,Two\n', "line 2: not CSV"),
        ("a.csv", b"id,text\n1,One, two\n", "line 2: 3 cells under a header of 2"),
        ("a.csv", b"title,body\nTim,One\n", r"has the columns 'title' \(text\), 'body' \(text\)"),
        ("a.txt", b"['One.', 'Two.']", "as Python shows it, not JSON"),
        ("a.txt", b'{"data":\n ["One."]}', "one JSON object over several lines"),
        ("a.txt", b"<!DOCTYPE html>\n<p>One</p>", "HTML or XML page"),
        ("a.txt", b"version https://git-lfs.github.com/spec/v1\noid", "pointer of Git LFS"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "is a PNG image"),
        ("a.bin", b"PK\x03\x04abc", "is a ZIP archive"),
        ("a.pkl", pickle.dumps(STORIES), "is a pickle"),
        ("a", b"\x02\0\0\0\0\0\0\0{}", "holds weights"),
        ("a", bytes(range(1, 9)) * 9, "is a binary file"),
        ("a", np.random.default_rng(0).bytes(999), "holds a NUL|binary|neither UTF-8"),
        ("a.jsonl", b'{"text": ["One."]}', r"'text' holds a list, not text"),
        ("a.jsonl", b'{"title": "A", "body": "B"}', r"has the columns 'title' \(text\), 'body'"),
        ("a.json", b'["One.", 2]', "item 2: a number 2 where a story was expected"),
    ],
)
def test_what_is_no_text_is_refused_with_its_cause(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message) as caught:
        list(read_stories(tmp_path / name))
    assert "\n" not in str(caught.value)


ROWS = ["One.", None, "", " <|endoftext|>\n", "Two."]
WITH_NULLS = {
    "a.json": (json.dumps(ROWS).encode(), "item 2"),
    "a.jsonl": ("\n".join(json.dumps({"text": row}) for row in ROWS).encode(), "line 2"),
    "a.csv": (as_csv([["text", "id"], *([row, 1] for row in ROWS)]), "line 3"),
}


@pytest.mark.parametrize("name", [*WITH_NULLS, "a.parquet", "list", "data set"])
def test_rows_without_a_story_are_skipped_and_counted(tmp_path, capsys, name):
    given = {"text": tmp_path / name}
    where = "row 2"
    if name in WITH_NULLS:
        content, where = WITH_NULLS[name]
        given["text"].write_bytes(content)
    elif name == "list":
        given, where = {"text": ROWS}, "story 2"
    else:
        parquet.write_table(pa.table({"text": ROWS}), tmp_path / "a.parquet")
        given = given if name == "a.parquet" else {"dataset": str(tmp_path)}
    stories = open_stories(**given)
    assert list(stories.read()) == list(stories.read()) == ["One.", "Two."]
    said = capsys.readouterr().err
    assert f"skipped {where}, which holds no story (3 such)" in said
    assert said.count("skipped") == 1


def test_the_only_column_of_text_is_taken_and_named(tmp_path, capsys):
    parquet.write_table(pa.table({"year": [1], "body": ["One."]}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("year,body\n1,One.\n")
    (tmp_path / "a.jsonl").write_text('{"year": 1, "body": "One."}\n')
    for name in ("a.parquet", "a.csv", "a.jsonl"):
        assert list(read_stories(tmp_path / name)) == ["One."]
        assert "only column of text, 'body'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.string_view()]
)
def test_columns_of_any_text_are_read(tmp_path, kind):
    column = pa.array([story.encode() for story in STORIES], pa.binary()).cast(kind)
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert list(read_stories(tmp_path / "a.parquet")) == STORIES


def test_a_column_of_repeated_texts_is_read(tmp_path):
    column = pa.array(STORIES).dictionary_encode()
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert list(read_stories(tmp_path / "a.parquet")) == STORIES


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([["One."]], "'text' holds list<.*>, not text"),
        ([1], "'text' holds int64, not text"),
        ([{"a": "One."}], "'text' holds struct<.*>, not text"),
    ],
)
def test_columns_of_anything_else_are_named_with_their_type(tmp_path, values, message):
    parquet.write_table(pa.table({"text": values}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=message):
        list(read_stories(tmp_path / "a.parquet"))


def test_bytes_in_utf_16_within_a_column_are_text(tmp_path):
    column = pa.array([story.encode("utf-16-le") for story in ("One day.", "Two dogs.")])
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert list(read_stories(tmp_path / "a.parquet")) == ["One day.", "Two dogs."]


def test_a_folder_of_save_to_disk_is_read_as_text_and_as_data_set(tmp_path):
    rows = datasets.Dataset.from_dict({"id": [0, 1, 2], "text": STORIES})
    rows.save_to_disk(tmp_path / "one", num_shards=2)
    both = datasets.DatasetDict({"train": rows, "test": rows.select([1])})
    both.save_to_disk(tmp_path / "both")
    for folder in (tmp_path / "one", tmp_path / "both"):
        assert list(read_stories(folder)) == STORIES
        assert list(read_dataset(str(folder))) == STORIES
    assert list(read_dataset(str(tmp_path / "both"), "test")) == STORIES[1:2]
    with pytest.raises(CorpusError, match="has no split 'dev', only 'train', 'test'"):
        list(read_dataset(str(tmp_path / "both"), "dev"))
    arrow = next((tmp_path / "both" / "train").glob("*.arrow"))
    assert list(read_stories(arrow)) == STORIES


def test_a_folder_of_texts_is_read_by_name_each_without_marks_one_story(tmp_path):
    (tmp_path / "b.txt").write_text("Two.\n\n" * 4000, "utf-8")
    (tmp_path / "a.txt").write_text("One.\n</s>\nAnd one.", "utf-8")
    (tmp_path / "README.md").write_text("Not a story.")
    (tmp_path / ".hidden.txt").write_text("Not a story.")
    assert list(read_stories(tmp_path)) == ["One.", "And one.", ("Two.\n\n" * 4000).strip()]
    (tmp_path / "c.txt").write_bytes(b"A\0B")
    with pytest.raises(CorpusError, match=r"/c.txt holds a NUL"):
        list(read_stories(tmp_path))
    (tmp_path / "c.json").write_text('["One."]')
    with pytest.raises(CorpusError, match=r"several kinds \(.json, .txt\)"):
        list(read_stories(tmp_path))


def zstandard(raw: bytes) -> bytes:
    return pa.compress(raw, codec="zstd", asbytes=True)


PACKED = {".gz": gzip.compress, ".zst": zstandard, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", [*PACKED, ""])
def test_compressed_files_are_read_whatever_is_in_them(tmp_path, suffix):
    pack = PACKED.get(suffix, gzip.compress)
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"text": STORIES}), sink)
    contents = {
        "a.txt": "\n</s>\n".join(STORIES).encode(),
        "a.json": TABLES["json objects"],
        "a.csv": TABLES["index"],
        "a.parquet": sink.getvalue().to_pybytes(),
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(pack(content))
        assert list(read_stories(path)) == STORIES


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_that_is_cut_off_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(PACKED[suffix](os.urandom(99_999).hex().encode())[:-1000])
    with pytest.raises(CorpusError, match=r"cannot read .*a\.txt"):
        list(read_stories(path))


def test_standard_input_is_read_as_often_as_wanted(monkeypatch):
    raw = io.TextIOWrapper(io.BytesIO(TABLES["kaggle"]))
    monkeypatch.setattr(sys, "stdin", raw)
    monkeypatch.setattr("tinyinterp.text.opened._copied", _uncached())
    stories = open_stories("-")
    assert stories.name == "standard input"
    stories.check()
    assert list(stories.read()) == list(stories.read()) == STORIES


def test_a_named_pipe_is_read_as_often_as_wanted(tmp_path):
    pipe = tmp_path / "stories.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(TABLES["json lines"],))
    writer.start()
    stories = open_stories(pipe)
    assert list(stories.read()) == list(stories.read()) == STORIES
    writer.join()


def _uncached():
    from functools import cache

    from tinyinterp.text import opened

    return cache(opened._copied.__wrapped__)

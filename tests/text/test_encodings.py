"""A text in any encoding is the same text, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.errors import CorpusError
from tinyinterp.text.encodings import decoded
from tinyinterp.text.notes import Notes
from tinyinterp.text.stories import read_stories

STORIES = ["One day, “Tim” ran.\n\nThe end.", "Zoë saw a 🐢.", "Tim didn’t go."]
TEXT = "\n<|endoftext|>\n".join(STORIES)
WESTERN = ["One day, “Tim” ran.", "Zoë didn’t go.", "A piñata… It broke."]


def read(raw: bytes, size: int = 7) -> str:
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    return "".join(decoded(pieces, Notes("a text", quiet=True)))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_every_unicode_encoding_is_read_with_and_without_its_mark(tmp_path, encoding, mark):
    path = tmp_path / "stories.txt"
    path.write_bytes((mark + TEXT.replace("\n", "\r\n")).encode(encoding))
    assert list(read_stories(path)) == STORIES


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
@pytest.mark.parametrize("name", ["stories.json", "stories.jsonl", "stories.csv", "stories"])
def test_tables_in_utf_16_are_read_too(tmp_path, encoding, name):
    content = {
        "stories.json": '["One.", "Two."]',
        "stories.jsonl": '{"text": "One."}\n{"text": "Two."}',
    }.get(name, 'text\n"One."\n"Two."\n')
    (tmp_path / name).write_bytes(content.encode(encoding))
    assert list(read_stories(tmp_path / name)) == ["One.", "Two."]


def test_windows_1252_is_read_where_utf_8_fails_and_noted(tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_bytes("\n</s>\n".join(WESTERN).encode("cp1252"))
    assert list(read_stories(path)) == WESTERN
    said = capsys.readouterr().err
    assert (
        "stories.txt: 6 bytes not UTF-8, read as Windows-1252, the first in 'One day, “Tim” ran"
        in said
    )
    assert said.count("\n") == 1


def test_single_foreign_bytes_in_utf_8_do_not_spoil_the_rest(tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_bytes("Zoë saw a 🐢. ".encode() + "It didn’t go.".encode("cp1252"))
    assert list(read_stories(path)) == ["Zoë saw a 🐢. It didn’t go."]
    assert "1 byte not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_that_is_cut_off_at_the_end_is_left_out_and_noted(tmp_path, capsys, cut):
    path = tmp_path / "stories.txt"
    path.write_bytes("Zoë saw a 🐢".encode()[:-cut])
    assert list(read_stories(path)) == ["Zoë saw a"]
    assert "ends within a character" in capsys.readouterr().err


def test_an_accent_at_the_end_of_a_latin_text_is_kept(tmp_path):
    path = tmp_path / "stories.txt"
    path.write_bytes("the café".encode("latin-1"))
    assert list(read_stories(path)) == ["the café"]


@pytest.mark.parametrize("encoding", ["koi8-r", "shift-jis", "gbk"])
def test_an_encoding_that_is_neither_unicode_nor_western_is_refused(tmp_path, encoding):
    text = {"koi8-r": "Жил-был старик. ", "shift-jis": "むかしむかし、", "gbk": "从前有一个人。"}[
        encoding
    ]
    path = tmp_path / "stories.txt"
    path.write_bytes((text * 20).encode(encoding))
    with pytest.raises(CorpusError, match=r"neither UTF-8 nor UTF-16.* iconv|binary file"):
        list(read_stories(path))


@pytest.mark.parametrize(
    "raw", [b"Once\0upon a time.", b"Once upon a time.\0\0\0\0", b"O\0n\0c\0e upon"]
)
def test_nuls_are_refused(tmp_path, raw):
    path = tmp_path / "stories.txt"
    path.write_bytes(raw)
    with pytest.raises(CorpusError, match="holds a NUL"):
        list(read_stories(path))


def test_nuls_within_rows_are_refused_with_their_number():
    from tinyinterp.text.stories import read_list

    with pytest.raises(CorpusError, match="text, story 2, has a NUL in it"):
        list(read_list(["One.", "O\0n\0c\0e"]))


@given(
    st.text("aé’🐢\n\r ", max_size=40),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.integers(1, 9),
)
def test_pieces_of_any_size_give_the_same_text(text, encoding, size):
    # The encoding is found in the first piece, which holds any mark.
    raw = text.encode(encoding)
    expected = read(raw, max(1, len(raw)))
    assert read(raw[:4] + raw[4:], max(size, 4)) == expected
    assert "\r" not in expected
    assert expected.replace("\n", "") == text.replace("\n", "").replace("\r", "")

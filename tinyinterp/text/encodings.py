"""Bytes to characters: UTF-8, UTF-16, UTF-32, and Windows-1252 where UTF-8 fails.

UTF-16 and UTF-32 without a mark are found by their NULs. A NUL that is left is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from tinyinterp.errors import CorpusError
from tinyinterp.text.cleaning import windows_1252
from tinyinterp.text.notes import Notes

BYTES_AT_ONCE = 1 << 16
FOREIGN_SHARE = 0.25  # of characters that are not UTF-8, above which a text is no Western one
ASCII_SHARE = 0.5  # of a text in UTF-16 without a mark, at least
CONTROL_SHARE = 0.1  # of control characters, above which bytes are no text
CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
ESCAPED = re.compile("[\udc80-\udcff]")  # how ``surrogateescape`` marks a byte that is not UTF-8
WINDOWS_1252 = {0xDC00 + byte: windows_1252(byte) for byte in range(0x80, 0x100)}
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decoded(pieces: Iterable[bytes], notes: Notes) -> Iterator[str]:
    r"""The characters of a text, piece by piece, without the mark at its start, line ends as \n.

    Bytes that are not UTF-8 are read as Windows-1252, which is noted with their number. A last
    character of which only a part is there is left out, and noted.

    Raises:
        CorpusError: the bytes are no text, or are in another encoding.
    """
    pieces = iter(pieces)
    first = next(pieces, b"")
    encoding, first = _encoding(first)
    kept = ""  # carriage returns at the end of a piece: what follows decides
    seen = 0
    for text in _characters(encoding, first, pieces, notes):
        if not seen:
            _check_sample(text, notes)
        if (at := text.find("\0")) >= 0:
            raise CorpusError(
                f"{notes.name} holds a NUL, {seen + at:,} characters from its start: it is "
                "no text, damaged, or UTF-16 without its mark; convert it to UTF-8"
            )
        seen += len(text)
        whole = kept + ESCAPED.sub(lambda found: WINDOWS_1252[ord(found[0])], text)
        plain = whole.rstrip("\r")
        kept = whole[len(plain) :]
        yield plain_line_ends(plain)
    if kept:
        yield "\n"


def decoded_whole(value: bytes, notes: Notes) -> str:
    """The characters of a story that is stored as bytes."""
    return "".join(decoded([value], notes))


def plain_line_ends(text: str) -> str:
    r"""The text with \n for \r\n, for \r and for \r\r\n, which is \r\n written twice over."""
    return re.sub("\r+\n|\r", "\n", text) if "\r" in text else text


def _characters(
    encoding: str, first: bytes, pieces: Iterator[bytes], notes: Notes
) -> Iterator[str]:
    errors = "surrogateescape" if encoding == "utf-8" else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    foreign, beyond_ascii = 0, False
    try:
        for piece in chain([first], pieces):
            text = decoder.decode(piece)
            found = ESCAPED.findall(text)
            if found:
                foreign += len(found)
                notes.foreign(len(found), _around(text))
            beyond_ascii = beyond_ascii or not text.isascii()
            if text:
                yield text
    except UnicodeDecodeError as error:
        raise CorpusError(f"{notes.name} is damaged {encoding.upper()}: {error.reason}") from error
    left = decoder.getstate()[0]
    if not left:
        return
    if encoding != "utf-8" or (not foreign and (len(left) > 1 or beyond_ascii)):
        notes.add("cut", "the file ends within a character, which is left out")
        return
    notes.foreign(len(left), left.decode("cp1252", "replace"))
    yield left.decode("utf-8", "surrogateescape")


def _around(text: str) -> str:
    found = ESCAPED.search(text)
    at = found.start() if found else 0
    return " ".join(text[max(0, at - 12) : at + 12].translate(WINDOWS_1252).split())


def _encoding(start: bytes) -> tuple[str, bytes]:
    """The encoding that the first bytes show, and these without a mark."""
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding, start[len(mark) :]
    if b"\0" in start:
        for encoding, width in (("utf-32", 4), ("utf-16", 2)):
            if len(start) % width and len(start) < BYTES_AT_ONCE:
                continue  # the whole of a text has whole characters
            shares = {order: _ascii_share(start, f"{encoding}-{order}") for order in ("le", "be")}
            order = max(shares, key=lambda order: shares[order])
            if shares[order] > ASCII_SHARE:
                return f"{encoding}-{order}", start
    return "utf-8", start


def _ascii_share(sample: bytes, encoding: str) -> float:
    """Share of ASCII characters, if the bytes can be a text in this encoding, and 0 if not."""
    try:
        # The end of the sample may be half of a pair.
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return 0.0
    if not text or "\0" in text or CONTROLS.search(text):
        return 0.0
    return sum(character.isascii() for character in text) / len(text)


def _check_sample(text: str, notes: Notes) -> None:
    """Refuse bytes that are no text, or a text that is neither Unicode nor Western."""
    if len(CONTROLS.findall(text)) > CONTROL_SHARE * len(text):
        raise CorpusError(f"{notes.name} is a binary file, not a text")
    found = ESCAPED.findall(text)
    beyond_ascii = sum(not character.isascii() for character in text)
    if len(found) > FOREIGN_SHARE * len(text) and 2 * len(found) > beyond_ascii:
        raise CorpusError(
            f"{notes.name} is neither UTF-8 nor UTF-16, and too much of it is beyond ASCII for "
            "Windows-1252; convert it to UTF-8 first, with iconv"
        )

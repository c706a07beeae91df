"""Token files: one memory map for each split, an index of stories, and what they were made of.

DATA/data.json       what it is: tokenizer hash, counts, fingerprint
DATA/tokenizer/      the tokenizer
DATA/train.bin       tokens: end-of-text, story, end-of-text, story, ..., end-of-text
DATA/train.idx       int64 triples, one a story: where its end-of-text stands, its UTF-8 bytes, and
                     how many of its tokens are its instruction, end-of-text counted (or 0)
DATA/dev.bin, .idx   the same for the stories held out
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import numpy as np
from jaxtyping import Int

from tinyinterp.errors import TrainingError
from tinyinterp.io.bounded import read_bytes, read_json
from tinyinterp.io.described import Count, Within, described
from tinyinterp.io.files import replacing_folder, write_text
from tinyinterp.text.cleaning import fold_blank_lines
from tinyinterp.text.instruct import prompt_length
from tinyinterp.text.tokenizer import Encoding, Tokenizer

from ..command import COMMAND

SPLITS = ("train", "dev")
STORIES_AT_ONCE = 1024  # encoded in parallel, then written
BLANK_LINES = 0.01  # share of stories with blank lines below which a text counts as having none
FORMAT = 2  # of these files; 1 had no third column in the index, and no number
COLUMNS = 3  # of the index
TOKENS_AT_ONCE = 1 << 22  # looked at together


@dataclass(frozen=True)
class SplitCount:
    """How much a split holds. ``tokens`` counts end-of-text once a story."""

    stories: Count
    tokens: Count
    bytes: Count


@dataclass(frozen=True)
class DataCard:
    """What ``data.json`` says."""

    source: str
    tokenizer: str  # SHA-256 of tokenizer.json
    n_vocab: Annotated[int, Within(1, 1 << 32)]
    dtype: Literal["uint16", "uint32"]
    holdout: Count  # one story in this many is held out, chosen by a hash of its text
    train: SplitCount
    dev: SplitCount
    fingerprint: str  # SHA-256 over the tokens of both splits
    instruct: bool = False  # each story follows an instruction
    blank_lines: bool | None = None  # whether stories have any; None: not known, of older data
    format: int = FORMAT


class TokenFile:
    """One split, memory-mapped: ``window(start, length)`` reads only what is asked.

    Raises:
        TrainingError: the folder holds no such split, less of it than ``data.json`` says, or what
            no ``prepare`` writes.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self.card = read_card(folder)
        try:
            tokens, triples = _regular(folder / f"{split}.bin"), _regular(folder / f"{split}.idx")
            self.tokens: Int[np.ndarray, " token"] = np.memmap(
                tokens, dtype=self.card.dtype, mode="r"
            )
            index = np.fromfile(triples, dtype=np.int64).reshape(-1, COLUMNS)
        except (OSError, ValueError) as error:
            raise TrainingError(f"{folder} holds no {split} split: {error}") from error
        count: SplitCount = getattr(self.card, split)
        if len(self.tokens) != count.tokens + 1 or len(index) != count.stories:
            raise TrainingError(
                f"{folder}: the {split} split has {len(self.tokens)} tokens and {len(index)} "
                f"stories, data.json says {count.tokens + 1} and {count.stories}; prepare it again"
            )
        self.starts: Int[np.ndarray, " story"] = index[:, 0]
        self.bytes: Int[np.ndarray, " story"] = index[:, 1]
        self.prompts: Int[np.ndarray, " story"] = index[:, 2]  # tokens before the story's own
        ends = np.append(self.starts[1:], len(self.tokens) - 1)
        self.lengths: Int[np.ndarray, " story"] = ends - self.starts  # with the end-of-text before
        self._check_index(folder / f"{split}.idx")
        self._check_tokens(folder / f"{split}.bin")

    def _check_index(self, path: Path) -> None:
        """Refuse stories that do not follow one another within the file."""
        # A difference of two far numbers may wrap around, so each is compared with the file first.
        last = len(self.tokens) - 1
        wrong = (self.starts < 0) | (self.starts >= last) | (self.lengths < 1) | (self.bytes < 0)
        wrong |= (self.prompts < 0) | (self.prompts > self.lengths)
        if wrong.any():
            raise TrainingError(
                f"{path}: story {int(wrong.argmax())} starts, ends or has an instruction outside "
                "the tokens; the file is damaged: prepare it again"
            )

    def _check_tokens(self, path: Path) -> None:
        """Refuse tokens that the tokenizer does not have."""
        for start in range(0, len(self.tokens), TOKENS_AT_ONCE):
            largest = int(self.tokens[start : start + TOKENS_AT_ONCE].max())
            if largest >= self.card.n_vocab:
                raise TrainingError(
                    f"{path} holds token {largest}, data.json says that there are "
                    f"{self.card.n_vocab}; the file is damaged: prepare it again"
                )

    def __len__(self) -> int:
        """Number of stories."""
        return len(self.starts)

    def window(self, start: int, length: int) -> Int[np.ndarray, " token"]:
        """``length`` tokens from ``start`` on, as int64; fewer at the end of the file."""
        return np.asarray(self.tokens[start : start + length], dtype=np.int64)

    def stories(self, n_tokens: int) -> Iterator[tuple[list[int], int, int]]:
        """Stories in order until they hold more than ``n_tokens``: tokens, UTF-8 bytes, prompt."""
        seen = 0
        columns = zip(self.starts, self.lengths, self.bytes, self.prompts, strict=True)
        for start, length, size, prompt in columns:
            if seen > n_tokens:
                return
            seen += int(length)
            yield self.window(int(start), int(length)).tolist(), int(size), int(prompt)


def read_card(folder: Path) -> DataCard:
    """``data.json`` of a prepared folder.

    Raises:
        TrainingError: the folder was not written by ``prepare``, or by a version with other files.
    """
    path = folder / "data.json"
    try:
        raw = read_json(path, TrainingError)
        if isinstance(raw, dict) and "fingerprint" in raw and raw.get("format") != FORMAT:
            other = f"format {raw.get('format', 1)!r:.20}, this one reads {FORMAT}"
        else:
            return described(DataCard, raw, str(path), TrainingError)
    except TrainingError as error:
        raise TrainingError(
            f"{folder} holds no prepared data ({error}); make it: {COMMAND} prepare"
        ) from error
    raise TrainingError(f"{folder} was prepared by another version ({other}); prepare it again")


def write_tokens(
    stories: Iterable[str],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    source: str,
    holdout: int,
    instruct: bool = False,
) -> DataCard:
    """Encode ``stories`` into a new data folder, streaming; memory does not grow with them.

    Args:
        instruct: each of them is an instruction and its story (:mod:`tinyinterp.text.instruct`).
        holdout: one story in ``holdout`` goes to the ``dev`` split, by a hash of its text, so that
            a story is always on the same side; 0 holds none out.
    """
    dtype = "uint16" if tokenizer.n_vocab <= 1 << 16 else "uint32"
    with replacing_folder(folder) as new, ExitStack() as files:
        tokenizer.save(new / "tokenizer")
        writers = {}
        total = with_blank_lines = 0
        for split in SPLITS:
            tokens = files.enter_context((new / f"{split}.bin").open("wb"))
            index = files.enter_context((new / f"{split}.idx").open("wb"))
            writers[split] = _SplitWriter(tokens, index, dtype, tokenizer.end_of_text)
        remaining = iter(stories)
        while batch := list(islice(remaining, STORIES_AT_ONCE)):
            for story, encoding in zip(batch, tokenizer.encode_batch(batch), strict=True):
                total += 1
                with_blank_lines += fold_blank_lines(story) != story
                split = "dev" if held_out(story, holdout) else "train"
                prompt = prompt_tokens(story, encoding) if instruct else 0
                writers[split].add(story, encoding.ids, prompt)
        counts = {split: writer.finish() for split, writer in writers.items()}
        digest = hashlib.sha256()
        for writer in writers.values():
            digest.update(writer.digest.digest())
        card = DataCard(
            source=source,
            tokenizer=tokenizer_hash(new / "tokenizer"),
            n_vocab=tokenizer.n_vocab,
            dtype=dtype,
            holdout=holdout,
            fingerprint=digest.hexdigest(),
            instruct=instruct,
            blank_lines=with_blank_lines >= BLANK_LINES * total,
            **counts,
        )
        write_text(new / "data.json", json.dumps(asdict(card), indent=2) + "\n")
    return card


def prompt_tokens(story: str, encoding: Encoding) -> int:
    """Tokens of ``story`` that are its instruction, with the end-of-text before; 0 without one.

    A token that holds both the last of the instruction and the first of the story is the story's.
    """
    characters = prompt_length(story)
    if characters is None:
        return 0
    return 1 + sum(end <= characters for _, end in encoding.offsets)


def held_out(story: str, holdout: int) -> bool:
    """Whether a story belongs to the ``dev`` split: a hash of its text decides."""
    if not holdout:
        return False
    return int.from_bytes(hashlib.sha256(story.encode()).digest()[:8], "big") % holdout == 0


def _regular(path: Path) -> Path:
    """The path of a file, which is no pipe that would be waited for."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")
    return path


def tokenizer_hash(folder: Path) -> str:
    """SHA-256 of the folder's ``tokenizer.json``."""
    return hashlib.sha256(read_bytes(folder / "tokenizer.json", TrainingError)).hexdigest()


class _SplitWriter:
    def __init__(self, tokens: BinaryIO, index: BinaryIO, dtype: str, end_of_text: int) -> None:
        self._tokens, self._index = tokens, index
        self._dtype, self._end_of_text = dtype, end_of_text
        self._stories = self._written = self._bytes = 0
        self.digest = hashlib.sha256()

    def add(self, story: str, ids: list[int], prompt: int) -> None:
        n_bytes = len(story.encode())
        self._index.write(np.array([self._written, n_bytes, prompt], dtype=np.int64).tobytes())
        self._write([self._end_of_text, *ids])
        self._stories += 1
        self._bytes += n_bytes

    def finish(self) -> SplitCount:
        count = SplitCount(self._stories, self._written, self._bytes)
        self._write([self._end_of_text])
        return count

    def _write(self, ids: list[int]) -> None:
        raw = np.array(ids, dtype=self._dtype).tobytes()
        self._tokens.write(raw)
        self.digest.update(raw)
        self._written += len(ids)

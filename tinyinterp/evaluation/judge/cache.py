"""Answers on disk, a file each, so that no answer is paid twice.

A file is written to a temporary name and renamed. It holds the scores, the answer and its tokens,
and neither the story, nor the key, nor the server's address.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tinyinterp.errors import JudgeError
from tinyinterp.evaluation.judge.answers import AnswerError, read_answer
from tinyinterp.io.described import Count, read_described
from tinyinterp.io.files import write_text
from tinyinterp.io.paths import expanded

VERSION = 1  # of the form of the files


@dataclass(frozen=True)
class Answer:
    """A valid answer of the judge, and the tokens that all tries at it took."""

    scores: dict[str, float]
    text: str
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class _Stored:
    """The fields of a file that are read."""

    scores: dict[str, float]
    answer: str
    tokens_in: Count
    tokens_out: Count


def answer_key(
    model: str, base_url: str, temperature: float | None, message: str, repeat: int
) -> str:
    """The name under which an answer is kept: SHA-256 of all that it depends on.

    The message holds the judge's prompt and the story. User and password of an address are left
    out.
    """
    parts = urlsplit(base_url)
    server = f"{parts.hostname}:{parts.port}{parts.path.rstrip('/')}"
    whole = json.dumps([VERSION, model, server, temperature, message, repeat])
    return hashlib.sha256(whole.encode()).hexdigest()


class AnswerCache:
    """The folder of the answers.

    Args:
        folder: made when the first answer is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = expanded(folder)

    def get(self, key: str, criteria: tuple[str, ...]) -> Answer | None:
        """The answer kept under ``key``; None without one, or if its file is damaged."""
        try:
            stored = read_described(_Stored, self._path(key), JudgeError)
            scores = read_answer(json.dumps(stored.scores), criteria)
            return Answer(scores, stored.answer, stored.tokens_in, stored.tokens_out)
        except (JudgeError, AnswerError):
            return None

    def put(self, key: str, model: str, repeat: int, answer: Answer) -> None:
        """Keep an answer.

        Raises:
            OutputError: the folder cannot be written.
        """
        content = {
            "model": model,
            "repeat": repeat,
            "scores": answer.scores,
            "answer": answer.text,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
        }
        write_text(self._path(key), json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

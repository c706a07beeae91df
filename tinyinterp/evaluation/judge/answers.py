"""What a judge may answer: one JSON object with a number from 0 to 10 for each criterion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

CRITERIA = ("grammar", "creativity", "consistency", "plot")  # of every completion
FOLLOWING = "following"  # of one that was written to an instruction
LOWEST, HIGHEST = 0, 10
LONGEST_SHOWN = 60  # characters of an answer in a message


class AnswerError(ValueError):
    """An answer that cannot be used; the judge is asked again."""


def schema(criteria: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an answer, for servers that can be held to one."""
    number = {"type": "number", "minimum": LOWEST, "maximum": HIGHEST}
    return {
        "type": "object",
        "properties": dict.fromkeys(criteria, number),
        "required": list(criteria),
        "additionalProperties": False,
    }


def read_answer(text: str, criteria: Sequence[str]) -> dict[str, float]:
    r"""The scores in an answer; what stands around the JSON object, such as a fence, is ignored.

    Raises:
        AnswerError: it is no JSON object, or a score is missing, no number or out of range.

    >>> read_answer('```json\n{"plot": 7.5, "why": "It ends well."}\n```', ["plot"])
    {'plot': 7.5}
    """
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise AnswerError(f"the answer is no JSON object: {_shown(text)}")
    return {name: _score(found, name) for name in criteria}


def _score(found: dict[str, Any], name: str) -> float:
    if name not in found:
        raise AnswerError(f"the answer has no {name}")
    value = found[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise AnswerError(f"{name} is {_shown(json.dumps(value))}; expected a number")
    if not LOWEST <= value <= HIGHEST:  # NaN is not, either
        raise AnswerError(f"{name} is {_cut(str(value))}; expected {LOWEST} to {HIGHEST}")
    return float(value)


def _shown(text: str) -> str:
    return repr(_cut(text))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"

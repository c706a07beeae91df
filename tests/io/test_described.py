from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypedDict

import pytest

from tinyinterp.errors import ConfigError, CorpusError
from tinyinterp.io.described import (
    Count,
    Matching,
    Within,
    described,
    read_described,
    read_described_lines,
)


@dataclass(frozen=True)
class Part:
    names: list[str]
    share: Annotated[float, Within(0, 1)] = 0.5


class Loose(TypedDict, total=False):
    size: Count | None


@dataclass(frozen=True, kw_only=True)
class Card:
    source: str
    n: Annotated[int, Within(1, 1000)]
    kind: Literal["a", "b"] = "a"
    best: Annotated[float, Within(0, math.inf)] = math.inf
    plain: float = 0.0
    flag: bool | None = None
    pair: tuple[int, str] | None = None
    name: str | Part | None = None
    parts: Mapping[str, Part] | None = None
    loose: Loose | None = None
    digits: Annotated[str, Matching(r"\d+")] = "0"

    def __post_init__(self) -> None:
        if self.source == "nobody":
            raise ConfigError("nobody writes")


GOOD: dict[str, Any] = {"source": "x", "n": 3}


@pytest.mark.parametrize(
    "more",
    [
        {"unknown": 3},
        {"best": math.inf, "plain": 3, "flag": None},
        {"pair": [1, "a"], "name": {"names": []}, "parts": {"a": {"names": ["b"], "share": 1}}},
        {"loose": {"size": 3, "other": [1]}},
    ],
)
def test_what_is_as_described_is_read(more: dict[str, Any]):
    card = described(Card, GOOD | more, "card.json", CorpusError)
    assert (card.source, card.n) == ("x", 3)
    assert isinstance(card.plain, float)
    if "parts" in more:
        assert card.parts == {"a": Part(["b"], 1.0)}
        assert card.pair == (1, "a")
    if "loose" in more:
        assert card.loose == {"size": 3, "other": [1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "card.json: n is 0; expected 1 to 1,000"),
        ({"n": True}, "card.json: n is True; expected a whole number"),
        ({"n": 1.0}, "n is 1.0; expected a whole number"),
        ({"n": 1 << 70}, "expected 1 to 1,000"),
        ({"source": None}, "source is None; expected a string"),
        ({"kind": []}, "kind is []; choose one of a, b"),
        ({"best": math.nan}, "best is nan; expected 0 or more"),
        ({"plain": math.inf}, "plain is inf; expected a finite number"),
        ({"plain": 1 << 70}, "expected a smaller number"),
        ({"flag": 1}, "flag is 1; expected true or false"),
        ({"pair": [1]}, "pair is [1]; expected 2 values"),
        ({"pair": [1, 2]}, "pair[1] is 2; expected a string"),
        ({"name": 3}, "name is 3; expected a string or an object with named fields"),
        ({"parts": []}, "parts is []; expected an object with named fields"),
        ({"parts": {"a": {}}}, "parts.a has no field 'names'"),
        ({"parts": {"a": {"names": ["b", 3]}}}, "parts.a.names[1] is 3; expected a string"),
        ({"parts": {"a": {"names": [], "share": 2}}}, "parts.a.share is 2; expected 0 to 1"),
        ({"loose": {"size": -1}}, "loose.size is -1; expected 0 or more"),
        ({"digits": "3x"}, "digits is '3x'"),
        ({"source": "x" * 9, "n": "y" * 5000}, "y…; expected a whole number"),
        ({"source": "nobody"}, "card.json: nobody writes"),
    ],
)
def test_the_field_that_is_wrong_is_named(change: dict[str, Any], message: str):
    with pytest.raises(CorpusError) as caught:
        described(Card, GOOD | change, "card.json", CorpusError)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_what_is_no_object_or_lacks_a_field_is_refused(tmp_path: Path):
    with pytest.raises(CorpusError, match=r"^card\.json is \[\]; expected an object"):
        described(Card, [], "card.json", CorpusError)
    path = tmp_path / "card.json"
    path.write_text('{"source": "x"}')
    with pytest.raises(CorpusError, match=r"card\.json .*has no field 'n'"):
        read_described(Card, path, CorpusError)


@dataclass(frozen=True)
class Line:
    closed: ClassVar[bool] = True
    a: int


def test_lines_are_named_by_their_number(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"a": 1}\n\n{"a": 2}\n')
    assert read_described_lines(Line, path, CorpusError) == [Line(1), Line(2)]
    path.write_text('{"a": 1}\n' + json.dumps({"a": 1, "b": 2}))
    with pytest.raises(CorpusError, match=r"lines\.jsonl, line 2 .*field 'b'.*none of a"):
        read_described_lines(Line, path, CorpusError)

from __future__ import annotations

import base64
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.views.examples import HOSTILE, causal_pattern
from tinyinterp.errors import OutputError
from tinyinterp.views.quantise import pack_pattern
from tinyinterp.views.widgets import Choice, ColouredText, Widget, attention_widget, coloured_widget
from tinyinterp.views.widgets.script import script_element

TOKENS = [
    "<|endoftext|>",
    HOSTILE,
    "\n",
    '"',
    "<0xF0>",
    "\u05e9",
    "\u202e",
    " &amp;",
    "'",
    "\t",
    "",
]


class Reader(HTMLParser):
    """The elements of a fragment, its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def attention(n_heads: int = 3, n_tokens: int = 11, seed: int = 0) -> Widget:
    tokens = (TOKENS * n_tokens)[:n_tokens]
    names = [f"Head {head}" for head in range(n_heads)]
    return attention_widget(causal_pattern(n_heads, n_tokens, seed), tokens, names, HOSTILE)


def coloured(*values: float) -> Widget:
    text = ColouredText(TOKENS[: len(values)], values, f"best {HOSTILE}")
    return coloured_widget([Choice(f"neuron {HOSTILE}", [text])], HOSTILE)


@pytest.mark.parametrize("widget", [attention(), coloured(0.5, -1.0, math.nan, 0.0)])
def test_text_is_shown_as_text(widget: Widget):
    for text in (widget.html, widget.page):
        read = Reader(text)
        assert [a for a in read.named("img") if "onerror" in a] == []
        assert [a for _, a in read.elements if any(name.startswith("on") for name in a)] == []
        assert "onerror" in "".join(read.text)
        scripts = [attributes for tag, attributes in read.elements if tag == "script"]
        assert all(attributes == {} for attributes in scripts)
        assert not re.findall(r"(?:src|href)=.?https?:", text.replace(script_element(), ""))
    assert len(Reader(widget.html).named("script")) == 1
    scripts = 2 if widget.data["kind"] == "coloured" else 1  # circuitsvis draws coloured tokens
    assert len(Reader(widget.page).named("script")) == scripts


def test_eight_heads_of_a_hundred_and_twenty_eight_tokens_are_small():
    page = attention(8, 128).html
    assert len(page.encode()) < 300_000


def test_what_a_head_weighs_is_in_the_widget():
    patterns = causal_pattern(2, 5)
    data = attention_widget(patterns, TOKENS[:5], ["a", "b"], "title").data
    assert data["patterns"] == [pack_pattern(pattern) for pattern in patterns]
    assert data["tokens"] == ["<|endoftext|>", HOSTILE[:13] + "…", "⏎", '"', "<0xF0>"]


def test_a_picture_has_the_shape_of_its_pattern():
    for attributes in Reader(attention(3, 7).html).named("img"):
        raw = base64.b64decode((attributes["src"] or "").removeprefix("data:image/png;base64,"))
        assert [int.from_bytes(raw[at : at + 4]) for at in (16, 20)] == [7, 7]


def test_the_same_is_the_same_and_another_has_another_name():
    assert attention().page == attention().page
    assert attention().html != attention(seed=1).html
    names = {Reader(w.html).named("figure")[0]["data-name"] for w in (attention(), attention(2))}
    assert len(names) == 2


def test_values_are_short_and_the_scale_is_that_of_the_largest():
    choice = coloured(0.123456, -2.0, math.nan, 1e-9).data["choices"][0]
    assert choice["texts"][0]["values"] == [0.123, -2.0, None, 1e-9]
    assert choice["most"] == 2.0
    assert coloured(0.0, math.nan).data["choices"][0]["most"] == 0.5


def test_colours_go_from_white_to_the_colour_of_the_sign():
    text = coloured(2.0, -1.0, 0.0).html
    spans = Reader(text).named("span")
    assert [s["style"] for s in spans if "title" in s] == [
        "background:#dc5a00;color:#000000",
        "background:#9fc7e8;color:#000000",
        "background:#ffffff;color:#000000",
    ]


def test_nothing_in_a_coloured_token_can_begin_an_element():
    data: dict[str, Any] = coloured(*[1.0] * 9).data
    (text,) = data["choices"][0]["texts"]
    for token in text["tokens"]:
        assert re.search("<[a-zA-Z/!?]|&[a-zA-Z#]", token) is None
    shown = [token.replace("\N{WORD JOINER}", "") for token in text["tokens"]]
    assert shown == [*TOKENS[:2], "⏎\n", *TOKENS[3:6], "\\u202e", *TOKENS[7:9]]
    assert json.dumps(data, allow_nan=False)


def test_a_page_is_written_whole(tmp_path: Path):
    path = attention().save(str(tmp_path / "new" / "page.html"))
    assert path.read_text("utf-8") == attention().page
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]


def test_a_page_is_not_written_under_the_name_of_a_picture(tmp_path: Path):
    with pytest.raises(OutputError, match=r"a\.png does not end in \.html"):
        attention().save(tmp_path / "a.png")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("n_heads", [1, 16])
def test_a_text_of_one_token_and_any_number_of_heads(n_heads: int):
    widget = attention_widget(np.ones((n_heads, 1, 1)), ["x"], ["a"] * n_heads, "t")
    assert len(Reader(widget.html).named("button")) == n_heads
    assert repr(widget) == "<widget: t; shown by a notebook, or .save(path)>"

from __future__ import annotations

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.views.examples import HOSTILE, Census
from tests.views.reading import Page
from tinyinterp.views.head_page import STEPS, write_head_page
from tinyinterp.views.page import json_block

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_json_block_parses_back_and_holds_no_markup(value: object) -> None:
    block = str(json_block(value))
    assert json.loads(block) == value
    assert not set(block) & set("<>&")
    assert block.isascii()


def test_json_block_has_null_for_what_is_not_a_number() -> None:
    assert str(json_block({"a": [math.nan, math.inf, (1.5,)]})) == '{"a":[null,null,[1.5]]}'


def test_page_loads_nothing_from_outside(tmp_path: Path, census: Census) -> None:
    page = Page(write_head_page(census, tmp_path / "heads.html"))
    assert page.outside_references() == []
    policy = next(a for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert (policy["content"] or "").startswith("default-src 'none'")
    assert sum("plotly.js v" in script for script in page.scripts) == 1


def test_hostile_text_stays_text(tmp_path: Path, census: Census) -> None:
    page = Page(write_head_page(census, tmp_path / "heads.html"))
    assert "img" not in {tag for tag, _ in page.elements}
    assert f"few stories {HOSTILE}" in page.text
    assert f"Attention heads of model {HOSTILE}" in page.text
    assert len(page.scripts) == 3  # data, plotly, ours: no text ended one of them


def test_data_is_the_census(tmp_path: Path, census: Census) -> None:
    data = Page(write_head_page(census, tmp_path / "heads.html")).data
    n = len(census.example_tokens)
    assert len(data["tokens"]) == n
    assert len(data["heads"]) == len(census.table)
    for layer, patterns in census.example_patterns.items():
        for head, pattern in enumerate(patterns):
            packed = data["patterns"][str(layer)][head]
            at = 0
            for query in range(n):
                for key in range(query + 1):
                    assert abs(packed[at] / STEPS - pattern[query, key]) <= 0.5 / STEPS + 1e-9
                    at += 1
            assert at == len(packed)
            for offset, weight in enumerate(census.profiles[layer, head]):
                assert math.isclose(data["profiles"][layer][head][offset], weight, rel_tol=1e-3)


def test_every_head_is_in_the_map_and_in_the_table(tmp_path: Path, census: Census) -> None:
    page = Page(write_head_page(census, tmp_path / "heads.html"))
    links = [a["href"] for t, a in page.elements if t == "a"]
    names = [f"#L{row['layer']}H{row['head']}" for row in census.table]
    assert links == names + names
    rows = [a["data-head"] for t, a in page.elements if t == "tr" and "data-head" in a]
    assert rows == [name[1:] for name in names]


def test_a_missing_number_is_a_dash(tmp_path: Path, census: Census) -> None:
    path = write_head_page(census, tmp_path / "heads.html")
    page = Page(path)
    html = path.read_text("utf-8")
    assert '<td data-value="–">–</td>' in html  # contrast of head 0
    assert '<td data-value="0.500000">0.50</td>' in html
    assert page.data["heads"][0]["value"] is None
    assert "nan" not in page.text.lower()


def test_twice_the_same_bytes(tmp_path: Path, census: Census) -> None:
    one = write_head_page(census, tmp_path / "one.html").read_bytes()
    assert one == write_head_page(census, tmp_path / "two.html").read_bytes()

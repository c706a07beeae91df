from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.views.page import json_block, read_script, style_sheet
from tinyinterp.views.style import ATTENTION_COLOURS, KIND_COLOURS, NEURON_COLOURS, ink_on

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SCRIPTS = (
    "dom",
    "names",
    "reach",
    "plots",
    "head_parts",
    "neuron_parts",
    "heads_page",
    "neurons_page",
    "account_page",
)


@given(ANYTHING)
def test_json_block_parses_back_and_holds_no_markup(value: object) -> None:
    block = str(json_block(value))
    assert json.loads(block) == value
    assert not set(block) & set("<>&")
    assert block.isascii()


def test_json_block_has_null_for_what_is_not_a_number() -> None:
    assert str(json_block({"a": [math.nan, math.inf, (1.5,)]})) == '{"a":[null,null,[1.5]]}'


def test_no_script_or_style_can_end_the_element_that_it_is_put_into() -> None:
    for text in (*map(read_script, SCRIPTS), style_sheet()):
        assert "</" not in text


def test_every_kind_has_its_colours() -> None:
    sheet = style_sheet()
    for kinds, of in ((KIND_COLOURS, ""), (NEURON_COLOURS, ".of-neuron")):
        for kind, colour in kinds.items():
            assert f".kind-{kind}{of} {{ background: {colour}; color: {ink_on(colour)}; }}" in sheet
    assert " ".join(ATTENTION_COLOURS) in sheet

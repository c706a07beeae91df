from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyinterp.cli.kind_maps import (
    BAR,
    LETTERS,
    NEURON_LETTERS,
    head_map_lines,
    neuron_map_lines,
)
from tinyinterp.cli.report import print_lines
from tinyinterp.io.table import Table
from tinyinterp.views.style import KIND_COLOURS, NEURON_COLOURS

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def neurons(counts: dict[int, dict[str, int]]) -> Table:
    rows = [
        {"layer": layer, "kind": kind}
        for layer, kinds in counts.items()
        for kind, count in kinds.items()
        for _ in range(count)
    ]
    return Table("neurons", rows)


def plain(lines: list[str]) -> list[str]:
    return [ESCAPE.sub("", line) for line in lines]


def test_every_kind_has_a_letter_of_its_own():
    for letters, kinds in ((LETTERS, KIND_COLOURS), (NEURON_LETTERS, NEURON_COLOURS)):
        assert letters.keys() == kinds.keys()
        assert len({letter for letter, _ in letters.values()}) == len(letters)


def test_a_bar_has_its_kinds_in_their_shares():
    table = neurons({3: {"word": 500, "mixed": 511, "dead": 13}, 11: {"position": 1}})
    assert plain(neuron_map_lines(table)) == [
        "layer  kinds of neurons; each letter is 2 % of the layer",
        f"    3  {'W' * 24}{'M' * 25}x  1,024",
        f"   11  {'P' * 50}  1",
        "       P position 1   W word 500   M mixed 511   x dead 13",
    ]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(NEURON_COLOURS)), st.integers(1, 997), min_size=1))
def test_every_bar_is_as_long_and_no_share_is_off_by_a_letter(counts: dict[str, int]):
    lines = plain(neuron_map_lines(neurons({0: counts})))
    assert max(map(len, lines)) <= 100
    bar = lines[1].split()[1]
    assert len(bar) == BAR
    total = sum(counts.values())
    for kind, count in counts.items():
        assert abs(bar.count(NEURON_LETTERS[kind][0]) - BAR * count / total) < 1


def test_the_largest_map_fits():
    kinds = dict.fromkeys(NEURON_COLOURS, 439)
    lines = plain(neuron_map_lines(neurons(dict.fromkeys(range(12), kinds))))
    assert max(map(len, lines)) <= 100
    rows = [
        {"layer": 11, "head": head, "kind": "undetermined", "attention": "global"}
        for head in range(16)
    ]
    assert max(map(len, plain(head_map_lines(Table("heads", rows))))) <= 100


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("refused", [True, False])
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    terminal: bool,
    refused: bool,
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    if refused:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    print_lines(neuron_map_lines(neurons({0: {"word": 3}})))
    assert ("\x1b" in capsys.readouterr().out) == (terminal and not refused)

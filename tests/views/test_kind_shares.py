from __future__ import annotations

import pytest

from tinyinterp.views.kind_shares import draw_kind_shares
from tinyinterp.views.style import NEURON_COLOURS


def test_every_bar_is_as_long_as_its_share():
    trained = {0: {"word": 0.25, "dead": 0.75}, 2: {"mixed": 1.0}}
    twin = {0: {"mixed": 1.0}, 2: {"mixed": 0.5, "word": 0.5}}
    figure = draw_kind_shares({"trained": trained, "random": twin}, "Neurons")
    assert [axes.get_title() for axes in figure.axes] == ["trained", "random"]
    for axes, shares in zip(figure.axes, (trained, twin), strict=True):
        found = {}
        for bars in axes.containers:
            for bar, layer in zip(bars, (0, 2), strict=True):
                kind = next(k for k, c in NEURON_COLOURS.items() if c == to_hex(bar))
                found[layer, kind] = bar.get_width()
        for layer, of_layer in shares.items():
            for kind, share in of_layer.items():
                assert found[layer, kind] == pytest.approx(share)


def to_hex(bar) -> str:
    from matplotlib.colors import to_hex as convert

    return convert(bar.get_facecolor()).upper()

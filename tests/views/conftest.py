from __future__ import annotations

import pytest

from tests.views.examples import Census, make_census


@pytest.fixture(params=[(1, 1, 2), (3, 5, 7)], ids=["1x1", "3x5"])
def census(request: pytest.FixtureRequest) -> Census:
    """A census of some layers, heads and tokens, in sizes that differ from each other."""
    return make_census(*request.param)

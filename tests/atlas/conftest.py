from __future__ import annotations

from pathlib import Path

import pytest

from tests.atlas.examples import make_account, make_atlas, write_census
from tinyinterp.atlas import write_atlas


@pytest.fixture(scope="session")
def neuron_census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A census of neurons, not to be changed."""
    return write_census(tmp_path_factory.mktemp("census"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, neuron_census: Path) -> Path:
    """A finished atlas, not to be changed."""
    folder = tmp_path_factory.mktemp("site")
    write_atlas(make_atlas(neuron_census), folder)
    return folder


@pytest.fixture(scope="session")
def accounted(tmp_path_factory: pytest.TempPathFactory, neuron_census: Path) -> Path:
    """A finished atlas with an account, not to be changed."""
    folder = tmp_path_factory.mktemp("accounted")
    write_atlas(make_atlas(neuron_census, make_account()), folder)
    return folder

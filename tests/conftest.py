"""Every test run checks shapes: what jaxtyping annotations promise is verified at each call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jaxtyping import config, install_import_hook

# The hook rewrites modules as they are imported, so it comes before any of them.
install_import_hook(["tinyinterp", "train"], "typechecker.checked")


@pytest.fixture
def unchecked() -> Iterator[None]:
    """For tests that give a wrong type on purpose, to see what our own error says."""
    config.update("jaxtyping_disable", value=True)
    yield
    config.update("jaxtyping_disable", value=False)

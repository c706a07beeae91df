"""Every test run checks shapes: what jaxtyping annotations promise is verified at each call."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from jaxtyping import config
from typechecker import check_packages

if TYPE_CHECKING:
    from browser import Watched
    from playwright.sync_api import Browser

# How long an example takes says nothing about the code: other work, or a loop compiled just then.
settings.register_profile("timeless", deadline=None)
settings.load_profile("timeless")

# Before any module of the packages is imported. The oldest release of jaxtyping that tinyinterp
# runs with is too old for it: numba cannot cache what that rewrites.
if not os.environ.get("TINYINTERP_UNCHECKED_SHAPES"):
    check_packages()

UNTOUCHED = ("highest", "torch.float32", True, False)  # what torch begins with


@pytest.fixture
def unchecked() -> Iterator[None]:
    """For tests that give a wrong type on purpose, to see what our own error says."""
    config.update("jaxtyping_disable", value=True)
    yield
    config.update("jaxtyping_disable", value=False)


@pytest.fixture(autouse=True)
def settings_of_torch() -> Iterator[None]:
    """What torch keeps for the whole process is after a test what it was before."""
    before = _settings_of_torch()
    yield
    assert _settings_of_torch() == before


def _settings_of_torch() -> tuple[object, ...]:
    torch = sys.modules.get("torch")  # a test that does without is not made to import it
    if torch is None:
        return UNTOUCHED
    return (
        torch.get_float32_matmul_precision(),
        str(torch.get_default_dtype()),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    from browser import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page that must not have asked the network nor complained."""
    from browser import PATIENCE, Watched

    with browser.new_context() as context:
        page = Watched(context.new_page())
        page.page.set_default_timeout(PATIENCE)
        yield page
    assert page.requests == []
    assert page.complaints == []

"""A bounded campaign over every kind of input; ``make check-long`` runs a longer one."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.campaign import Found, campaign, lines_of
from fuzz.guards import Guard, fault_of
from fuzz.targets import VICTIM
from jaxtyping import config

from tinyinterp.errors import CheckpointError

INPUTS = 1_500


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    config.update("jaxtyping_disable", value=True)  # a user has no such checks
    try:
        return campaign(tmp_path_factory.mktemp("fuzz"), INPUTS)
    finally:
        config.update("jaxtyping_disable", value=False)


@pytest.mark.filterwarnings("ignore")  # what other libraries say of damaged files
def test_no_input_ends_otherwise_than_read_or_refused(found: dict[str, Found]):
    lines = lines_of(found)
    print("\n".join(lines))  # noqa: T201  the count by kind of input
    assert sum(each.inputs for each in found.values()) >= INPUTS
    assert not any(each.faults for each in found.values()), "\n".join(lines)


def test_what_an_input_may_not_do_is_found(tmp_path: Path):
    guard = Guard(tmp_path, VICTIM)

    def refusing(message: str) -> None:
        raise CheckpointError(message)

    assert fault_of(lambda: None, guard) is None
    assert fault_of(lambda: refusing("the file is damaged"), guard) is None
    assert "KeyError" in str(fault_of(lambda: {}["a"], guard))
    assert VICTIM in str(
        fault_of(lambda: (tmp_path / VICTIM).exists() or open_victim(tmp_path), guard)
    )
    elsewhere = tmp_path.parent / "elsewhere"
    assert "for writing" in str(fault_of(lambda: elsewhere.write_text("x"), guard))


def open_victim(folder: Path) -> None:
    with (folder / VICTIM).open("rb"):
        pass

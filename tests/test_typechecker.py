from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import torch
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float, TypeCheckError
from torch import Tensor
from typechecker import check, checked

if TYPE_CHECKING:
    from decimal import Decimal as Absent

Rows = Float[Tensor, "row 3"]


def product(a: Float[Tensor, "row inner"], b: Float[Tensor, "inner column"]) -> Tensor:
    return a @ b


def squared(rows: list[Rows] | None) -> int:
    return len(rows or [])


def repeated(word: str, times: int = 2, *, end: str = "") -> str:
    return word * times + end


def counted(most: int) -> Iterator[int]:
    yield from range(most)


@pytest.fixture(params=[product, squared, repeated, counted], ids=lambda fn: fn.__name__)
def function(request):
    return request.param


def of(function):
    return check(typechecker=checked)(function)


def test_shapes_agree_among_arguments():
    assert of(product)(torch.zeros(2, 3), torch.zeros(3, 5)).shape == (2, 5)
    with pytest.raises(TypeCheckError):
        of(product)(torch.zeros(2, 3), torch.zeros(2, 3))


def test_a_shape_behind_another_name_is_checked_too():
    assert of(squared)([torch.zeros(2, 3), torch.zeros(2, 3)]) == 2
    with pytest.raises(TypeCheckError):
        of(squared)([torch.zeros(2, 5)])


def test_types_are_checked_where_no_shape_is_named():
    assert of(repeated)("a", 3, end="!") == "aaa!"
    assert list(of(counted)(3)) == [0, 1, 2]
    with pytest.raises(BeartypeCallHintViolation):
        of(repeated)("a", "b")
    with pytest.raises(BeartypeCallHintViolation):
        of(repeated)("a", end=3)


def test_a_result_of_another_type_is_found():
    def wrong() -> int:
        return "a"  # pyright: ignore[reportReturnType]

    with pytest.raises(BeartypeCallHintViolation):
        of(wrong)()


def test_a_type_that_is_imported_for_checkers_alone_is_anything():
    def takes(value: Absent) -> Absent:
        return value

    assert of(takes)("a") == "a"


@pytest.mark.usefixtures("unchecked")
def test_nothing_is_checked_where_a_test_says_so():
    assert of(repeated)(3, 2, end=1) == 7


def test_a_checked_function_is_called_as_it_was(function):
    assert of(function).__name__ == function.__name__
    assert of(function).__wrapped__ is function

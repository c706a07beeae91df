"""What the ``tokenizers`` library raises of damaged files, as an error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinyinterp.errors import TokenizerError

PANIC = "PanicException"  # no Exception, and of a module that cannot be imported


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Within the block, bare exceptions and panics of the library are errors of ours.

    Args:
        what: was done, for the message: ``cannot read the tokenizer in model``.

    Raises:
        TokenizerError: the library could not do it.
    """
    try:
        yield
    except BaseException as error:
        if type(error) is Exception or type(error).__name__ == PANIC:
            raise TokenizerError(f"{what}: {error}") from error
        raise

"""Standard output and error that no character can break.

Where they are not UTF-8, as behind a redirect on Windows, a character that their encoding lacks is
written as JSON would escape it, so that ``--json`` stays valid.
"""

from __future__ import annotations

import codecs
import io
import json
import sys

ESCAPING = "tinyinterp.escape"


def escape_what_cannot_be_encoded() -> None:
    """See to it that nothing printed from now on ends in a ``UnicodeEncodeError``."""
    codecs.register_error(ESCAPING, _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPING)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end

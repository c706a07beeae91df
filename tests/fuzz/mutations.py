"""How files are damaged: bytes at random, fields of JSON by a list of what goes wrong."""

from __future__ import annotations

import copy
import json
import math
from random import Random
from typing import Any

DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
LONG = "x" * 5000
PATHS = [
    "../victim",
    "../../victim",
    "/etc/passwd",
    "..\\victim",
    "C:victim",
    "",
    ".",
    "a\0b",
    LONG,
    "a/" * 500,
    "model\udc00.safetensors",
]
VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 3, 1 << 31, 1 << 40, 1 << 70, -(1 << 70), 0.5, -0.0, 1e308, 1e-308,
    math.nan, math.inf, -math.inf, "", "a", "7", [], {}, [[]], [None], ["a"], {"a": 1}, [1] * 2000,
    LONG, DEEP, "\ud800", "\u202e\x1b[31m", *PATHS,
]  # fmt: skip
TOKENS = [b"[" * 600, b'{"a":' * 600, b"\x00", b"\xff\xfe", b"NaN", b"9" * 5000, b'"', b"\\ud800"]


def damaged_bytes(random: Random, content: bytes) -> bytes:
    """The bytes with one to four changes."""
    data = bytearray(content)
    for _ in range(random.randint(1, 4)):
        size = len(data)
        at = random.randrange(size + 1)
        kind = random.randrange(8)
        if kind == 0:
            del data[at:]
        elif kind == 1 and size:
            data[random.randrange(size)] ^= 1 << random.randrange(8)
        elif kind == 2 and size:
            head = random.randrange(min(size, 512))
            data[head] ^= 1 << random.randrange(8)
        elif kind == 3:
            data[at:at] = random.randbytes(random.randint(1, 20))
        elif kind == 4:
            data[at:at] = random.choice(TOKENS)
        elif kind == 5:
            del data[at : at + random.randint(1, 40)]
        elif kind == 6:
            data[at : at + 8] = random.choice([b"\xff" * 8, b"\0" * 8, b"\0" * 7 + b"\x7f"])
        else:
            data[at : at + 16] = data[: random.randint(0, 64)]
    return bytes(data)


def damaged_value(random: Random, content: Any) -> Any:
    """The value with one to three fields replaced, removed, renamed or repeated."""
    content = copy.deepcopy(content)
    for _ in range(random.randint(1, 3)):
        places = list(_places(content, 0))
        if not places:
            return copy.deepcopy(random.choice(VALUES))
        inside, key = random.choice(places)
        if isinstance(inside, list) and key >= len(inside):
            continue
        kind = random.randrange(10)
        if kind < 7:
            inside[key] = copy.deepcopy(random.choice(VALUES))  # it may be damaged in turn
        elif kind == 7:
            del inside[key]
        elif kind == 8 and isinstance(inside, dict):
            inside[random.choice([LONG, "", "a", "\ud800", "__class__"])] = inside.pop(key)
        elif isinstance(inside, list):
            inside += inside[:1] * random.choice([1, 50])
    return random.choice(VALUES) if random.random() < 0.02 else content


def damaged_json(random: Random, content: bytes) -> bytes:
    """JSON with damaged fields, or damaged bytes."""
    if random.random() < 0.15:
        return damaged_bytes(random, content)
    return json.dumps(damaged_value(random, json.loads(content))).encode()


def _places(value: Any, depth: int) -> list[tuple[Any, Any]]:
    """Where a value may be changed: each object or list, with a key of it."""
    if depth > 6 or not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(min(len(value), 40)))
    here: list[tuple[Any, Any]] = [(value, key) for key in keys]
    return here + [place for key in keys for place in _places(value[key], depth + 1)]

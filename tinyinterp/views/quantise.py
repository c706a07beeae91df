"""Attention patterns in one byte a weight, and any values in two."""

from __future__ import annotations

import base64

import numpy as np
from jaxtyping import Float

STEPS = 254  # a weight w is kept as round(254 sqrt(w)), so that small weights stay apart;
UNKNOWN = 255  # what is not a number


def pack_pattern(pattern: Float[np.ndarray, "query key"]) -> str:
    """Weights on and below the diagonal, row by row, as base64 of a byte each.

    Read back as ``(code / 254)²`` a weight w is off by at most ``sqrt(w) / 254 + 1 / (4 · 254²)``,
    which is below .004; 0 and 1 are exact.

    >>> pack_pattern(np.array([[1.0, 0.0], [0.25, 0.75]]))
    '/n/c'
    """
    weights = pattern[np.tril_indices(len(pattern))].astype(np.float64)
    known = np.isfinite(weights)
    codes = np.rint(STEPS * np.sqrt(np.clip(np.where(known, weights, 0.0), 0.0, 1.0)))
    return base64.b64encode(np.where(known, codes, UNKNOWN).astype(np.uint8).tobytes()).decode()


def pack_values(values: Float[np.ndarray, "query key"], most: float) -> str:
    """Values row by row, as base64 of two bytes each, the low one first; the lowest code is NaN.

    Read back as ``code / 32767 · most`` a value is off by at most ``most / 65534``.

    Args:
        values: of which none is larger in size than ``most``.
        most: above zero.

    >>> pack_values(np.array([[0.5, -0.5], [np.nan, 0.0]]), 0.5)
    '/38BgACAAAA='
    """
    scaled = np.rint(
        np.nan_to_num(values.astype(np.float64), posinf=most, neginf=-most) / most * 32767
    )
    codes = np.where(np.isnan(values), -32768, np.clip(scaled, -32767, 32767))
    return base64.b64encode(codes.astype("<i2").tobytes()).decode()

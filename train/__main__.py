"""``python -m train``, in a checkout: what ``tinyinterp train`` is everywhere."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":
    main()

"""``python -m tinyinterp`` is the command ``tinyinterp``."""

from __future__ import annotations

from tinyinterp.cli import main

if __name__ == "__main__":
    main()

"""Store the notebooks without what a run leaves: outputs, counts, ids, a kernel's version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def tidied(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook as it is stored: only its words and code, and empty cells left out."""
    cells = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"]).strip()
        if not source:
            continue
        kept = {"cell_type": cell["cell_type"], "id": f"cell-{len(cells)}", "metadata": {}}
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": []}
        cells.append(kept | {"source": source.splitlines(keepends=True)})
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Tidy every notebook of the tour."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        text = path.read_text("utf-8")
        whole = json.dumps(tidied(json.loads(text)), indent=1, ensure_ascii=False, sort_keys=True)
        if whole + "\n" != text:
            path.write_text(whole + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""Notebooks as pages: words as they are, code as blocks, and whatever outputs are stored.

They are stored without outputs, and running all eight takes longer than a build should, so a page
shows a picture of the same model from ``figures/`` in their place, and says so.
"""

from __future__ import annotations

import json
from pathlib import Path

PICTURES = {
    "01_first_look": ("atlas_overview", "The overview of the atlas"),
    "02_heads": ("heads_by_kind", "The heads of the bundled model by kind"),
    "03_neurons": ("atlas_neuron", "The page of one neuron"),
    "04_train_your_own": ("bundled_loss", "The losses of the bundled model in training"),
    "05_inside_a_story": ("four_heads", "Four heads, close up"),
    "06_your_model": ("heads_by_kind", "What the map of kinds looks like"),
    "07_account": ("account", "Loss recovered by simple stories"),
    "08_change_it": ("atlas_head", "The page of one head"),
}
WITHOUT_OUTPUTS = (
    "*A notebook of the guided tour, shown without its outputs: `tinyinterp lab` opens a copy that "
    "runs. The picture is of the bundled model, from the studies.*"
)


def notebook_page(path: Path) -> str:
    """A notebook as Markdown, its title first."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    title, *rest = parts[0].split("\n", 1)
    name, words = PICTURES[path.stem]
    picture = f"![{words}](../figures/{name}.png)"
    return "\n\n".join([title, WITHOUT_OUTPUTS, picture, *(r.strip() for r in rest), *parts[1:]])

"""Kinds of heads over the training of the 256-8-4 model.

python -m analyses.formation --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

from typing import Any

from analyses.inputs import Inputs
from analyses.study import Made, Study
from analyses.train_models import FOLLOWED
from tinyinterp.api import HEAD_POSITIONS
from tinyinterp.head_census.formation import find_snapshots, follow_heads
from tinyinterp.io.table import Table
from tinyinterp.views.formation import draw_formation

MODEL = FOLLOWED
TOKENS = 16_000  # with fewer than 32 sequences on TEST every head is undetermined


def measure(inputs: Inputs) -> Made:
    """Follow every head over the snapshots of the run."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    found = inputs.once("formation", MODEL, inputs.valid, lambda: _follow(inputs))
    table = Table("formation", found["rows"], notes=found["notes"])
    picture = draw_formation(table, f"When heads form: {MODEL}, one seed")
    interval = "95 %, of the quantity that decides, over blocks of stories; one seed"
    return Made(list(table), interval, picture, found["notes"])


def _follow(inputs: Inputs) -> dict[str, Any]:
    model: Any = inputs.open(MODEL)
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    corpus = model.corpus(inputs.valid, max_tokens=inputs.limit, n_ctx=n_ctx)
    table = follow_heads(model, find_snapshots(model), corpus, seed=STUDY.seed)
    return {"rows": [dict(row) for row in table], "notes": {"steps": table.notes["steps"]}}


STUDY = Study(
    "formation", "kinds of heads over training", measure,
    models=(MODEL,), texts=("valid",), limit=TOKENS,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()

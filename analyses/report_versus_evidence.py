"""The report's rule for heads against the evidence, over the sizes.

python -m analyses.report_versus_evidence --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

from collections import Counter

from matplotlib.figure import Figure

from analyses.heads_by_size import TOKENS, census
from analyses.inputs import Inputs
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.head_census.correlation import REPORT_THRESHOLD
from tinyinterp.views import style


def measure(inputs: Inputs) -> Made:
    """Count, by model, what either says."""
    heads = {name: census(inputs, name) for name in inputs.models}
    rows: list[Row] = []
    for name, mine in heads.items():
        kinds = Counter(row["kind"] for row in mine)
        rows.append(
            {
                "model": name,
                "heads": len(mine),
                "report_positional": sum(row["report_label"] == "positional" for row in mine),
                "positional": kinds["positional"],
                "semantic": kinds["semantic"],
                "neither": len(mine) - kinds["positional"] - kinds["semantic"],
                "largest_report_r": max(abs(row["report_r"]) for row in mine),
            }
        )
    interval = "none: the rule is a threshold on one story and has none; one seed"
    return Made(rows, interval, draw(heads))


def draw(heads: dict[str, list[Row]]) -> Figure:
    """The report's r of every head, coloured by its kind."""
    with style.settings():
        figure = Figure(figsize=(7, 3.6), facecolor="white")
        figure.subplots_adjust(left=0.1, right=0.98, top=0.9, bottom=0.17)
        axes = figure.subplots()
        for at, mine in enumerate(heads.values()):
            for number, row in enumerate(mine):
                across = at + 0.6 * (number / len(mine) - 0.5)
                colour = style.kind_colour(row["kind"])
                axes.plot(across, row["report_r"], "o", color=colour, markersize=3)
        for threshold in (-REPORT_THRESHOLD, REPORT_THRESHOLD):
            axes.axhline(threshold, color=style.FAINT, linestyle="--", linewidth=0.6)
        axes.set_xticks(range(len(heads)), list(heads), fontsize=7)
        axes.set(ylabel="r of the report's rule", ylim=(-0.7, 0.7))
        axes.set_title("Every head by the report's rule; colour: kind by the evidence")
        style.kind_legend(figure, [row["kind"] for mine in heads.values() for row in mine])
    return figure


STUDY = Study(
    "report_versus_evidence", "the report's rule for heads against the evidence", measure,
    models=SIZES, least=1, texts=("valid",), limit=TOKENS,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()

"""Loss curves of one or several runs in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from tinyinterp.errors import OutputError
from tinyinterp.io.files import replacing_file

from .curves import X_LABEL, Y_LABEL, drawn_runs, loss_limits, loss_title

MARKERS = "osD^vP*"  # with the colours, so that neither alone has to distinguish two runs
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # the same picture again


def plot_runs(runs: Sequence[Path], target: Path) -> None:
    """Draw the loss of ``runs`` over tokens into ``target``, whose ending chooses the format.

    Raw training loss is thin, smoothed training loss thick, held-out loss has markers.
    ``.html`` is an interactive page, which needs no network.

    Raises:
        TrainingError: a run has logged nothing, or its log cannot be read.
        OutputError: ``target`` cannot be written, or has another ending.
    """
    if target.suffix.lower() == ".html":
        from tinyinterp.views.interactive.base import save_figure

        from .interactive_plot import plot_losses

        save_figure(plot_losses(drawn_runs(runs), loss_title(runs)), target)
        return
    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    kinds = figure.canvas.get_supported_filetypes()
    if target.suffix.lower().lstrip(".") not in kinds:
        raise OutputError(f"{target} is no picture: name it .png, .svg, .pdf or .html")
    drawn = drawn_runs(runs)
    axes = figure.add_subplot()
    for run in drawn:
        curve, color = run.curve, run.colour
        axes.plot(curve.tokens, curve.loss, color=color, linewidth=0.5, alpha=0.35)
        axes.plot(curve.tokens, run.smooth, color=color, linewidth=1.5, label=run.trained)
        axes.plot(
            curve.dev_tokens,
            curve.dev_loss,
            color=color,
            linestyle="none",
            marker=MARKERS[run.marker],
            markersize=3.5,
            markerfacecolor="white",
            label=run.held_out if len(curve.dev_loss) else None,
        )
    axes.set_ylim(*loss_limits(drawn))
    axes.set_xlim(left=0)
    axes.set_xlabel(X_LABEL)
    axes.set_ylabel(Y_LABEL)
    axes.set_title(loss_title(runs), parse_math=False)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    for text in axes.legend(frameon=False).get_texts():
        text.set_parse_math(False)
    with mpl.rc_context({"svg.hashsalt": "tinyinterp"}), replacing_file(target) as temporary:
        figure.savefig(temporary, metadata=UNDATED.get(target.suffix.lower()))

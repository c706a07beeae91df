"""``tinyinterp compare``: several checkpoints in one table, picture and page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.atlas import QUICK_NEURON_TOKENS
from tinyinterp.cli.completions import StoryCount, distinct_names
from tinyinterp.cli.given import GivenStories
from tinyinterp.cli.heads import QUICK_NULL_TOKENS, QUICK_TOKENS
from tinyinterp.cli.options import Device, Json, Out, Pictures, Seed, Tokens
from tinyinterp.cli.report import columns, print_json, print_lines, say_written
from tinyinterp.cli.tables import as_json
from tinyinterp.comparison.settings import DEFAULT_PARTS, PARTS
from tinyinterp.io.paths import resolved

if TYPE_CHECKING:
    from tinyinterp.comparison.measure import Comparison

BUNDLED = "bundled"


def compare(
    *,
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="Two or more checkpoint folders or hub names, or bundled for the bundled model; "
            "the others are compared with the first.",
        ),
    ],
    text: GivenStories,
    only: Annotated[
        str,
        typer.Option(
            metavar="PART[,PART...]",
            help=f"Parts to measure: {', '.join(PARTS)}. rouge and account take minutes.",
        ),
    ] = ",".join(DEFAULT_PARTS),
    tokens: Tokens = None,
    stories: StoryCount = 100,
    seed: Seed = 0,
    device: Device = "cpu",
    out: Out = Path("tinyinterp-out/compare"),
    pictures: Pictures = True,
    as_one_json: Json = False,
) -> None:
    """Compare checkpoints: loss, prompts, kinds of heads and neurons, repetition, accounts.

    The difference in loss to the first checkpoint is paired over the same stories. Heads are read
    on 8,000 tokens, neurons on 20,000, an account on the whole text, unless --tokens says
    otherwise.
    """
    text.check()
    _check(checkpoints)
    parts = tuple(dict.fromkeys(part.strip() for part in only.split(",")))
    if unknown := [part for part in parts if part not in PARTS]:
        raise typer.BadParameter(
            f"there is no part {unknown[0]!r}; choose of {', '.join(PARTS)}", param_hint="--only"
        )
    from tinyinterp.checkpoint.find import find
    from tinyinterp.comparison.settings import ComparisonSettings
    from tinyinterp.devices import choose_device
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.model import load_any

    choose_device(device)
    given = [None if each == BUNDLED else each for each in checkpoints]
    for each in given:
        find(each)
    output = OutputFolder(out)
    models = [load_any(each, device=device) for each in given]
    from tinyinterp.comparison.measure import Compared, compare_models

    opened = []
    for name, model in zip(distinct_names(models, given), models, strict=True):
        opened.append(Compared(name, model, text.read_by(model)))
    opened[0].stories.check()
    settings = ComparisonSettings(
        parts=parts,
        seed=seed,
        head_tokens=tokens or QUICK_TOKENS,
        head_null_tokens=QUICK_NULL_TOKENS,
        neuron_tokens=tokens or QUICK_NEURON_TOKENS,
        account_tokens=tokens,
        stories=stories,
    )
    found = compare_models(opened, settings)
    with output.filling("compare", ", ".join(each.name for each in opened)) as folder:
        found.write(folder)
        if pictures:
            _draw(found, folder)
    if as_one_json:
        print_json(as_json(found.table, output) | {k: list(t) for k, t in found.details.items()})
        return
    from tinyinterp.views.comparison_lines import comparison_blocks

    for number, (header, rows) in enumerate(comparison_blocks(list(found.table))):
        print_lines([""] * (number > 0) + columns(header, rows))
    say_written(output.folder, output.written)


def _check(checkpoints: list[str]) -> None:
    """Refuse what is no comparison.

    Raises:
        typer.BadParameter: fewer than two checkpoints, or one twice.
    """
    if len(checkpoints) < 2:
        raise typer.BadParameter("give two checkpoints or more", param_hint="A B...")
    seen = set[Path]()
    for each in checkpoints:
        place = resolved(each)  # a name on the hub differs only by its text
        if place in seen:
            raise typer.BadParameter(
                f"{each!r} is given twice; give each once", param_hint="A B..."
            )
        seen.add(place)


def _draw(found: Comparison, folder: Path) -> None:
    from tinyinterp.views import style
    from tinyinterp.views.comparison_page import write_comparison_page
    from tinyinterp.views.comparison_plot import draw_comparison

    figure = draw_comparison(found.table, found.details)
    for suffix in (".png", ".svg"):
        style.save(figure, folder / f"compare{suffix}")
    write_comparison_page(found.table, found.details, folder / "compare.html")

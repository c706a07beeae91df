"""``tinyinterp heads --over-training``: when heads form, as a table, a picture and lines."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.cli.given import GivenModel, GivenText
from tinyinterp.cli.report import WIDTH, columns, print_json, print_lines, say_written
from tinyinterp.cli.tables import as_json, say_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyinterp.io.table import Table


FORMATION_TOKENS = 10_000  # read for each snapshot by default


def check_is_run(ckpt: str | None) -> str:
    """``ckpt``, which may be the folder of a run or a name on the hub.

    Raises:
        SelectionError: it is neither, or the bundled model.
    """
    from tinyinterp.checkpoint.find import HUB_NAME
    from tinyinterp.errors import SelectionError
    from tinyinterp.io.paths import expanded, is_folder, shown

    is_name = ckpt and not ckpt.startswith((".", "~")) and HUB_NAME.fullmatch(ckpt)
    if ckpt and (is_folder(expanded(ckpt)) or is_name):
        return ckpt
    given = "the bundled model has no" if ckpt is None else f"{shown(ckpt)!r} is not a folder with"
    raise SelectionError(
        f"{given} snapshots of its training; --over-training needs the folder of a run of "
        "'tinyinterp train run', or a model on the hub with revisions such as step1000, given "
        "with --ckpt"
    )


def formation(
    run: GivenModel,
    text: GivenText,
    *,
    out: Path,
    tokens: int | None,
    seed: int,
    suffixes: Sequence[str],
    as_one_json: bool,
) -> None:
    """Follow the heads of a run over its snapshots and say when they form.

    Args:
        tokens: of the text, read for each snapshot; None for all.
        suffixes: the formats of the picture; none for no picture.

    Raises:
        CheckpointError: the run has no snapshots, or one cannot be read.
        CorpusError: the text cannot be read.
        OutputError: ``out`` cannot be written.
    """
    from tinyinterp.api import HEAD_POSITIONS
    from tinyinterp.head_census.formation import (  # slow
        find_snapshots,
        follow_heads,
        hub_snapshots,
        hub_steps,
    )
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.paths import expanded, is_folder

    name = str(run.ckpt)
    is_local = is_folder(expanded(name))
    steps = [] if is_local else hub_steps(name)  # before a model without snapshots is fetched
    model = run.load()
    model.check_if_foreign()
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    corpus = text.corpus(model, max_tokens=tokens, n_ctx=n_ctx)
    snapshots = find_snapshots(model) if is_local else hub_snapshots(model, name, steps)
    output = OutputFolder(out)
    table = follow_heads(model, snapshots, corpus, seed=seed)
    with output.filling("formation", f"{model.name}, {corpus.name}") as folder:
        table.write(folder)
        if suffixes:
            _draw(table, f"When heads form: {model.name} on {corpus.name}", folder, suffixes)
    say_warnings(table)
    if as_one_json:
        print_json(as_json(table, output))
        return
    print_lines([*_counted(table), "", *_formed(table)])
    say_written(output.folder, output.written)


def _draw(table: Table, title: str, folder: Path, suffixes: Sequence[str]) -> None:
    from tinyinterp.views import style
    from tinyinterp.views.formation import draw_formation

    figure = draw_formation(table, title)
    for suffix in suffixes:
        style.save(figure, folder / f"formation{suffix}")


def _counted(table: Table) -> list[str]:
    """How many heads of each kind there are at each step."""
    counts: dict[int, Counter[str]] = {}
    for row in table:
        counts.setdefault(row["step"], Counter())[row["kind"]] += 1
    kinds = sorted(set(table["kind"]))
    return columns(["step", *kinds], [[step, *(n[k] for k in kinds)] for step, n in counts.items()])


def _formed(table: Table) -> list[str]:
    """The step from which each head keeps its final kind."""
    from tinyinterp.head_census.formation import formed_at

    steps = formed_at(table)
    last = table.notes["steps"][-1]
    by_kind: dict[str, list[tuple[int, str]]] = {}
    for (layer, head), step in steps.items():
        row = table.row(step=last, layer=layer, head=head)
        kind = f"{row['kind']}, {row['role']}" if row["role"] else row["kind"]
        by_kind.setdefault(kind, []).append((step, f"{layer}.{head}"))
    lines = ["The step from which each head keeps its final kind:"]
    for kind, heads in sorted(by_kind.items()):
        shown = ", ".join(f"{name} at {step:,}" for step, name in sorted(heads))
        lines += textwrap.wrap(f"{kind}: {shown}", WIDTH, subsequent_indent="  ")
    undecided = len({(row["layer"], row["head"]) for row in table}) - len(steps)
    if undecided:
        lines.append(f"undetermined at the end: {undecided}")
    return lines

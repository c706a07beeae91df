"""``tinyinterp heads``: the kind and role of each attention head, in tables, pictures, words."""

from __future__ import annotations

import textwrap
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.formation import FORMATION_TOKENS, check_is_run, formation
from tinyinterp.cli.given import GivenModel, GivenText
from tinyinterp.cli.needs import needs_lines
from tinyinterp.cli.options import (
    AccountFolder,
    Full,
    Json,
    Out,
    Pictures,
    Seed,
    Tokens,
    token_limit,
)
from tinyinterp.cli.report import WIDTH, kind_lines, print_json, print_lines, say, say_written
from tinyinterp.cli.tables import as_json, say_warnings
from tinyinterp.processes import writes

if TYPE_CHECKING:
    from tinyinterp.head_census import HeadCensus, HeadSettings
    from tinyinterp.model import Model
    from tinyinterp.model_account.finished import FinishedAccount
    from tinyinterp.results import Heads
    from tinyinterp.text.corpus import Corpus

QUICK_TOKENS = 8_000  # about fifty stories: half of them are enough for the intervals
QUICK_NULL_TOKENS = 1_500


class Rule(StrEnum):
    """How a head is judged."""

    EVIDENCE = "evidence"
    DISTANCE_CORRELATION = "distance-correlation"
    REPORT = "report"


class Format(StrEnum):
    """Formats of pictures beside PNG and SVG."""

    PDF = "pdf"


def heads(
    *,
    given: GivenModel,
    text: GivenText,
    rule: Annotated[Rule, typer.Option(help="How to judge heads.")] = Rule.EVIDENCE,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="HEAD",
            help="Explain the label of a head, such as L3H2, from the census in --out if that is "
            "of the same model, text and options.",
        ),
    ] = None,
    account: AccountFolder = None,
    out: Out = Path("tinyinterp-out/heads"),
    over_training: Annotated[
        bool,
        typer.Option(
            "--over-training",
            help="Follow the heads of a run (--ckpt) over its snapshots to see when they form.",
        ),
    ] = False,
    tokens: Tokens = None,
    full: Full = False,
    seed: Seed = 0,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help=f"A quick first table: {QUICK_TOKENS:,} tokens, no causal check, no heat maps.",
        ),
    ] = False,
    pictures: Pictures = True,
    also: Annotated[
        Format | None, typer.Option("--format", help="Also write every picture in this format.")
    ] = None,
    as_one_json: Json = False,
) -> None:
    """Label every attention head: positional, semantic, mixed, diffuse or sink.

    Reads 40,000 tokens unless --tokens, --full or --quick says otherwise; with --over-training,
    10,000 for each snapshot.
    """  # fmt: skip
    text.check()
    chosen = _parse_head(explain)
    if over_training:
        _refuse_with_over_training(
            {
                "--rule": rule is not Rule.EVIDENCE,
                "--explain": explain is not None,
                "--account": account is not None,
                "--quick": quick,
            }
        )
        formation(
            replace(given, ckpt=check_is_run(given.ckpt)),
            text,
            out=out,
            tokens=token_limit(tokens, full=full, default=FORMATION_TOKENS),
            seed=seed,
            suffixes=_suffixes(also) if pictures else (),
            as_one_json=as_one_json,
        )
        return
    from tinyinterp.api import HEAD_POSITIONS, HEAD_TOKENS

    limit = token_limit(tokens, full=full, default=QUICK_TOKENS if quick else HEAD_TOKENS)
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.selection import choose_one

    model = given.load()
    accounted = None if account is None else _open(account, model)
    model.check_if_foreign()
    if chosen is not None:
        choose_one("layer", chosen[0], model.config.n_layers)
        choose_one("head", chosen[1], model.config.n_heads)
    n_ctx = min(model.config.n_ctx, HEAD_POSITIONS)
    corpus = text.corpus(model, max_tokens=limit, n_ctx=n_ctx)
    from tinyinterp.head_census import HeadSettings  # slow, so after every check

    settings = HeadSettings(rule=rule.value, seed=seed)
    if quick:
        settings = replace(settings, causal=False, null_tokens=QUICK_NULL_TOKENS)
    if chosen is not None and not as_one_json:
        earlier = _explain_from(out, chosen, model, corpus, settings, accounted)
        if earlier is not None:
            say(f"from the census in {out}")
            print_lines(earlier)
            return
    output = OutputFolder(out)
    census = _take(model, corpus, settings, accounted)
    with output.filling("heads", f"{model.name}, {corpus.name}, rule {rule}") as folder:
        census.write(folder)
        if pictures:
            _draw(census, folder, also, heat_maps=not quick)
    say_warnings(census.table)
    if as_one_json:
        print_json(as_json(census.table, output))
        return
    print_lines(_summary(census))
    if quick:
        say(f"quick: {census.table.notes['tokens']:,} tokens, no causal check, no heat maps; "
            "leave out --quick for the full census")  # fmt: skip
    if chosen is not None:
        print_lines(["", *_results(census).head_lines(*chosen)])
    say_written(output.folder, output.written)


def _open(folder: Path, model: Model) -> FinishedAccount | None:
    from tinyinterp.model_account.beside import open_account  # slow, and seldom asked for

    return open_account(folder, model)


def _parse_head(given: str | None) -> tuple[int, int] | None:
    """Layer and head of ``L3H2`` or ``3.2``.

    Raises:
        typer.BadParameter: it names no head.
    """
    if given is None:
        return None
    from tinyinterp.errors import SelectionError
    from tinyinterp.run.components import Head, parse

    try:
        named = parse(given)
    except SelectionError:
        named = None
    if not isinstance(named, Head):
        raise typer.BadParameter(
            f"{given!r} is not a head; give layer and head, as in L3H2", param_hint="--explain"
        )
    return named.layer, named.head


def _refuse_with_over_training(given: dict[str, bool]) -> None:
    """Refuse options that do not apply to snapshots.

    Raises:
        typer.BadParameter: one of them was given.
    """
    for name, is_given in given.items():
        if is_given:
            raise typer.BadParameter(
                "give one of the two, not both", param_hint=f"--over-training / {name}"
            )


def _take(
    model: Model, corpus: Corpus, settings: HeadSettings, account: FinishedAccount | None
) -> HeadCensus:
    """Take the census, with what the account says."""
    from tinyinterp.head_census import census_heads

    census = census_heads(model, corpus, settings)
    return census if account is None else _results(census).beside(account)


def _results(census: HeadCensus) -> Heads:
    from tinyinterp.results import Heads  # slow, as it knows the other results as well

    return Heads.of(census)


def _draw(census: HeadCensus, folder: Path, also: Format | None, *, heat_maps: bool) -> None:
    if not writes():
        return
    from tinyinterp.views.heads import write_head_pictures

    write_head_pictures(census, folder, suffixes=_suffixes(also), heat_maps=heat_maps)


def _suffixes(also: Format | None) -> tuple[str, ...]:
    """The formats of pictures."""
    from tinyinterp.views.heads import SUFFIXES

    return SUFFIXES if also is None else (*SUFFIXES, f".{also.value}")


def _summary(census: HeadCensus) -> list[str]:
    """The map of kinds in letters, a count of kinds, and a comparison with the report's rule."""
    from tinyinterp.cli.kind_maps import head_map_lines
    from tinyinterp.views.report_rule import report_rule_sentences

    table = census.table
    sentences = report_rule_sentences(table, table.notes["rule"])
    compared = textwrap.wrap(" ".join(sentences), WIDTH, break_on_hyphens=False)
    lines = [*head_map_lines(table), "", *kind_lines(table, "heads", "role")]
    lines += needs_lines(table, "heads")
    return [*lines, "", *compared] if compared else lines


def _explain_from(
    folder: Path,
    chosen: tuple[int, int],
    model: Model,
    corpus: Corpus,
    settings: HeadSettings,
    account: FinishedAccount | None,
) -> list[str] | None:
    """The explanation from the table in ``folder``; None if it is of another census."""
    from tinyinterp.errors import SelectionError
    from tinyinterp.head_census.census import EXAMPLE_TOKENS
    from tinyinterp.head_census.measure import choose_example, read_patterns
    from tinyinterp.head_census.notes import census_notes
    from tinyinterp.head_census.rows import HeadRow
    from tinyinterp.io.stored import read_json_table
    from tinyinterp.views.explanation import explain_head

    try:
        table = read_json_table(
            folder / "heads.json", (each.name for each in fields(HeadRow)), SelectionError
        )
    except SelectionError:
        return None
    wanted = census_notes(model, corpus, corpus.survey(), settings)
    if table.notes.get("census") != wanted["census"]:
        return None
    row = next((r for r in table.rows if (r["layer"], r["head"]) == chosen), None)
    if row is None:
        return None
    if account is not None:
        from tinyinterp.model_account.beside import head_beside

        row = head_beside(row, account)
    example = choose_example(corpus)
    patterns = read_patterns(model.decoder, model.config, example)
    tokens = [model.tokenizer.token_text(int(t)) for t in example.tokens[:EXAMPLE_TOKENS]]
    pattern = patterns[chosen[0]][chosen[1]][:EXAMPLE_TOKENS, :EXAMPLE_TOKENS]
    return explain_head(row, table.notes, tokens, pattern)

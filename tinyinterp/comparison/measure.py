"""Measures each checkpoint as the single commands do, and puts a row for each into one table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.api import ACCOUNT_POSITIONS, HEAD_POSITIONS
from tinyinterp.comparison.settings import ComparisonSettings
from tinyinterp.evaluation.loss_by_block import BlockLoss, measure_loss_by_block
from tinyinterp.io.progress import progress, say
from tinyinterp.io.table import Table
from tinyinterp.model import AnyModel, Model
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import side_and_block
from tinyinterp.text.source import Stories

Row = dict[str, Any]
Measured = tuple[dict[str, Row], list[Row]]  # columns by model, and rows of a long table
ROUGE = ("original_precision", "self_f", "repeated_4grams", "distinct_2_in_all")


@dataclass(frozen=True)
class Compared:
    """A checkpoint, what it is called, and the text as it reads it."""

    name: str
    model: AnyModel
    stories: Stories

    def corpus(self, model: Model, max_tokens: int | None, most: int | None = None) -> Corpus:
        """The text as sequences of at most ``most`` tokens."""
        n_ctx = min(model.config.n_ctx, most or model.config.n_ctx)
        text = self.stories
        return Corpus(text.name, text.read, model.tokenizer, n_ctx, max_tokens, text.blank_lines)


@dataclass(frozen=True)
class Comparison:
    """``table`` has a row for each checkpoint; ``details`` are long tables by name."""

    table: Table
    details: dict[str, Table]

    def write(self, folder: Path) -> list[Path]:
        """Write all tables; returns the paths."""
        return [p for table in (self.table, *self.details.values()) for p in table.write(folder)]


def compare_models(opened: Sequence[Compared], settings: ComparisonSettings) -> Comparison:
    """Measure all parts of the settings for every checkpoint.

    Raises:
        CorpusError: the text cannot be read, or is too short for a part.
    """
    rows: dict[str, Row] = {each.name: _about(each, opened[0]) for each in opened}
    details: dict[str, list[Row]] = {}
    warnings: list[str] = []
    measures = {
        "loss": _loss,
        "prompts": _prompts,
        "rouge": _rouge,
        "heads": _heads,
        "neurons": _neurons,
        "account": _account,
    }
    for each in opened:
        if isinstance(each.model, Model):
            each.model.check_if_foreign()
        elif {"heads", "neurons", "account"} & set(settings.parts):
            warnings.append(f"{each.name} is a compressor: its heads and neurons are not measured")
    for part, measure in measures.items():
        if part in settings.parts:
            found, long = measure(opened, settings)
            for name, row in found.items():
                rows[name] |= row
            if long:
                details.setdefault(part, []).extend(long)
    warnings += _warnings(opened)
    for warning in warnings:
        say(f"note: {warning}")
    notes = {
        "models": {each.name: each.model.fingerprint for each in opened},
        "text": opened[0].stories.name,
        "blank_lines": {each.name: each.stories.blank_lines for each in opened},
        "parts": list(settings.parts),
        "seed": settings.seed,
        "warnings": warnings,
    }
    wide = [{c: row.get(c) for c in _columns(rows.values())} for row in rows.values()]
    long_tables = {
        part: Table(f"compare_{part}", long, notes=notes) for part, long in details.items()
    }
    return Comparison(Table("compare", wide, notes=notes), long_tables)


def _columns(rows: Any) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def _about(each: Compared, first: Compared) -> Row:
    config = each.model.config
    return {
        "model": each.name,
        "parameters": sum(p.numel() for p in each.model.network.parameters()),
        "layers": config.n_layers,
        "d_model": config.d_model,
        "vocabulary": config.n_vocab,
        "fingerprint": each.model.fingerprint,
        "same_tokenizer": each.model.tokenizer.reads_like(first.model.tokenizer),
    }


def _warnings(opened: Sequence[Compared]) -> list[str]:
    found = []
    if not all(each.model.tokenizer.reads_like(opened[0].model.tokenizer) for each in opened):
        found.append(
            "the tokenizers differ: compare bits per byte; nats per token are not compared"
        )
    if len({each.stories.blank_lines for each in opened}) > 1:
        found.append(
            "the models read blank lines differently; --keep-blank-lines gives all the same text"
        )
    return found


def _loss(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    blocks = [side_and_block(story)[1] for story in opened[0].stories.read()]
    losses: dict[str, BlockLoss] = {}
    for each in opened:
        model = each.model
        with progress(f"loss: {each.name}", None) as bar:
            losses[each.name] = measure_loss_by_block(
                model.network, model.tokenizer, each.stories.read(), blocks, bar
            )
    first, seed = losses[opened[0].name], settings.seed
    rows: dict[str, Row] = {}
    for each in opened:
        loss = losses[each.name]
        bits, nats = loss.bits_per_byte(seed), loss.nats_per_token(seed)
        above = loss.bits_above(first, seed)
        row: Row = {
            "bits_per_byte": bits.value,
            "bits_low": bits.low,
            "bits_high": bits.high,
            "bits_above_first": above.value,
            "bits_above_first_low": above.low,
            "bits_above_first_high": above.high,
            "nats_per_token": nats.value,
            "nats_low": nats.low,
            "nats_high": nats.high,
            "nats_above_first": math.nan,
            "nats_above_first_low": math.nan,
            "nats_above_first_high": math.nan,
            "tokens": int(loss.tokens.sum()),
            "bytes": int(loss.bytes.sum()),
            "stories": len(blocks),
        }
        if each.model.tokenizer.reads_like(opened[0].model.tokenizer):
            above = loss.nats_above(first, seed)
            row |= {
                "nats_above_first": above.value,
                "nats_above_first_low": above.low,
                "nats_above_first_high": above.high,
            }
        rows[each.name] = row
    return rows, []


def _prompts(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    from dataclasses import replace

    from tinyinterp.evaluation.prompt_sets import read_prompts
    from tinyinterp.evaluation.prompts import ALL, SAMPLING, answer_prompts

    asked, sampling = read_prompts(), replace(SAMPLING, seed=settings.seed)
    rows: dict[str, Row] = {}
    long: list[Row] = []
    for each in opened:
        with progress(f"prompts: {each.name}", 2 * len(asked)) as bar:
            found = answer_prompts(each.model, asked, sampling, name=each.name, report=bar)
        long += list(found.accuracy)
        whole = found.accuracy.row(category=ALL)
        rows[each.name] = {
            "prompts": whole["prompts"],
            "prompts_answered": whole["accuracy"],
            "prompts_low": whole["low"],
            "prompts_high": whole["high"],
            "prompts_chance": whole["chance"],
        }
    return rows, long


def _rouge(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    from tinyinterp.evaluation.measure_rouge import measure_rouge
    from tinyinterp.evaluation.story_completions import complete_beginnings

    sampling = Sampling(0.0, None, None, settings.seed, None)
    named = [(each.name, each.model) for each in opened]
    streams = [each.stories.read() for each in opened]
    done = complete_beginnings(named, streams, ["0.4"], settings.stories, sampling)
    means, _ = measure_rouge(done, seed=settings.seed)
    rows: dict[str, Row] = {each.name: {} for each in opened}
    for row in means:
        if row["model"] in rows and row["measure"] in ROUGE:
            rows[row["model"]] |= {
                f"{row['measure']}{end}": row[column]
                for end, column in (("", "value"), ("_low", "low"), ("_high", "high"))
            }
    return rows, list(means)


def _kinds(
    name: str, part: str, table: Table, kinds: Sequence[str]
) -> tuple[dict[str, int], list[Row]]:
    counts, total = Counter[str](table["kind"]), len(table)
    wide = {part: total, **{f"{part}_{kind.replace('-', '_')}": counts[kind] for kind in kinds}}
    long = [
        {"model": name, "part": part, "kind": k, "count": counts[k], "share": counts[k] / total}
        for k in kinds
    ]
    return wide, long


HEAD_KINDS = ("positional", "semantic", "mixed", "diffuse", "sink", "undetermined")
NEURON_KINDS = (
    "position", "part-of-speech", "word", "next-word", "mixed", "dead", "undetermined",
)  # fmt: skip


def _heads(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    from tinyinterp.head_census import HeadSettings, census_heads

    chosen = HeadSettings(seed=settings.seed, causal=False, null_tokens=settings.head_null_tokens)
    rows: dict[str, Row] = {}
    long: list[Row] = []
    for each in opened:
        if isinstance(each.model, Model):
            corpus = each.corpus(each.model, settings.head_tokens, HEAD_POSITIONS)
            table = census_heads(each.model, corpus, chosen).table
            rows[each.name], more = _kinds(each.name, "heads", table, HEAD_KINDS)
            long += more
    return rows, long


def _neurons(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    from tinyinterp.neuron_census import NeuronSettings, census_neurons

    chosen = NeuronSettings(seed=settings.seed, null_tokens=0)
    rows: dict[str, Row] = {}
    long: list[Row] = []
    for each in opened:
        if isinstance(each.model, Model):
            corpus = each.corpus(each.model, settings.neuron_tokens)
            table = census_neurons(each.model, corpus, chosen).table
            rows[each.name], more = _kinds(each.name, "neurons", table, NEURON_KINDS)
            long += more
    return rows, long


def _account(opened: Sequence[Compared], settings: ComparisonSettings) -> Measured:
    from tinyinterp.model_account import AccountSettings, take_account

    chosen = AccountSettings(seed=settings.seed, exact_neurons=0, rules=False)
    rows: dict[str, Row] = {}
    long: list[Row] = []
    for each in opened:
        if isinstance(each.model, Model):
            corpus = each.corpus(each.model, settings.account_tokens, ACCOUNT_POSITIONS)
            found = list(take_account(each.model, corpus, chosen).table)
            long += [{"model": each.name, **row} for row in found]
            both, ngrams = _best(found, "both"), _best(found, "language")
            rows[each.name] = {
                "account_rung": both["rung"],
                "account_recovered": both["loss_recovered_unigram"],
                "account_low": both["unigram_low"],
                "account_high": both["unigram_high"],
                "ngrams_recovered": ngrams["loss_recovered_unigram"],
            }
    return rows, long


def _best(rows: Sequence[Mapping[str, Any]], part: str) -> Mapping[str, Any]:
    of_part = [row for row in rows if row["part"] == part and row["rung"] != "means"]
    return max(of_part, key=lambda row: row["loss_recovered_unigram"])

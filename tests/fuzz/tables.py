"""What a run leaves in its folder: manifest, tables, the saved pass of a census."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
from fuzz.checkpoints import damaged_weights
from fuzz.mutations import damaged_bytes, damaged_json, damaged_value
from fuzz.targets import Target
from pyarrow import parquet

from tinyinterp.atlas.finished_neurons import neuron_layers
from tinyinterp.atlas.gather import read_heads
from tinyinterp.explore.tables import read_tables
from tinyinterp.head_census.rows import HeadRow
from tinyinterp.io.output import MANIFEST, OutputFolder
from tinyinterp.io.stored import KINDS
from tinyinterp.io.table import METADATA, Table
from tinyinterp.model import Model
from tinyinterp.model_account.finished import read_account
from tinyinterp.neuron_census.checkpointer import Checkpointer, restore
from tinyinterp.neuron_census.finished import find_finished
from tinyinterp.views.explanation import explain_head
from tinyinterp.views.neuron_data import listed_neuron

EXAMPLES: dict[Any, Any] = {
    int: 0, str: "word", bool: True, list[str]: ["a", "b"], list[float]: [0.5], list[int]: [3, 4],
}  # fmt: skip
HIT = "layer neuron rank activation token before after tag story position"
TABLES = {
    "neurons_layer0": "layer neuron kind best_tag best_target auroc auroc_low auroc_high words "
    "hits max_activation",
    "top_activations_layer0": HIT,
    "bottom_activations_layer0": HIT,
    "range_activations_layer0": f"{HIT} band",
    "associations_layer0": "layer neuron target tag tested auroc",
    "histograms_layer0": "layer neuron low high counts",
    "account": "part rung nats loss_recovered loss_recovered_unigram unigram_low unigram_high",
    "account_heads": "layer head needs drawn_to copy_rank",
    "account_neurons": "layer neuron needs family",
    "account_layers": "layer rung keeps",
}
NOTES = {"fingerprint": "f", "checkpoint": "f", "census": "c", "warnings": ["few"], "tokens": 9}
MODEL = cast(
    "Model", SimpleNamespace(fingerprint="f", name="m", config=SimpleNamespace(d_mlp=2, n_layers=1))
)
ARRAYS = {"0.sums": np.ones((3, 5)), "columns": np.arange(12).reshape(2, 6)}


def targets(base: Path) -> list[Target]:
    """Those of a folder that a command wrote."""
    out, census = base / "out", base / "census"
    output = OutputFolder(out)
    with output.filling("heads", "a model") as stage:
        (stage / "heads.csv").write_text("1")
        (stage / "pictures").mkdir()
        (stage / "pictures" / "layer0.png").write_text("2")
    (base / "victim").write_text("years of work")
    output._lock.release()
    census.mkdir()
    for name, columns in TABLES.items():
        rows = [_row(columns.split()) | {"neuron": n} for n in range(2)]
        rows = [{c: row[c] for c in columns.split()} for row in rows]
        parquet.write_table(Table(name, rows, notes=NOTES).to_arrow(), census / f"{name}.parquet")
    heads = [_row([field.name for field in fields(HeadRow)]) | {"head": n} for n in range(2)]
    (census / "heads.json").write_text(Table("heads", heads, notes=NOTES).to_json())
    saved = Checkpointer(census / "saved.safetensors", "f")
    saved.rows_file("sample0", 2).append(np.arange(6).reshape(3, 2))
    saved._save(census / "saved.safetensors", "TEST", 3, ARRAYS)
    damaged = {f"{name}.parquet": damaged_table for name in TABLES}
    return [
        Target("manifest of a folder", out, _fill, {MANIFEST: _damaged_manifest}, share=2),
        Target("table of heads", census, _read_heads, {"heads.json": damaged_json}),
        Target("saved census and account", census, _read_census, damaged, share=2),
        Target(
            "saved pass",
            census,
            _read_pass,
            {"saved.safetensors": damaged_weights, "saved.sample0.rows": damaged_bytes},
            share=0.5,
        ),
    ]


def _row(columns: list[str]) -> dict[str, Any]:
    return {name: EXAMPLES.get(KINDS.get(name, float), 0.5) for name in columns}


def _fill(folder: Path) -> None:
    try:
        output = OutputFolder(folder)
        with output.filling("heads", "another") as stage:
            (stage / "heads.csv").write_text("3")
        output._lock.release()
    finally:
        victim = folder.parent / "victim"
        assert victim.read_text() == "years of work", "the victim was changed"


def _read_heads(folder: Path) -> None:
    rows, notes = read_heads(folder)
    for row in rows:
        explain_head(row, notes, ["a"], np.ones((1, 1)))


def _read_census(folder: Path) -> None:
    for layer in neuron_layers(folder):
        for row in layer.rows:
            listed_neuron(row, layer.top.get(row["neuron"], []))
    read_account(folder, MODEL)
    found = find_finished(folder, (0,), "c")
    if found is not None:
        found.hits(0, found.neuron(0, 1)["neuron"])
    tables = read_tables(MODEL, folder, folder)
    for each in tables.layers.values():
        each.examples(1)


def _read_pass(folder: Path) -> None:
    checkpointer = Checkpointer(folder / "saved.safetensors", "f")
    saved = checkpointer.load()
    if saved is not None:
        checkpointer.rows_file("sample0", 2).read()
        restore({name: array.copy() for name, array in ARRAYS.items()}, saved.arrays)


def _damaged_manifest(random: Random, content: bytes) -> bytes:
    if random.random() < 0.5:
        return damaged_json(random, content)
    manifest = json.loads(content)
    names = ["../victim", "pictures/../../victim", "..", "pictures", "x" * 5000, "a\0", MANIFEST]
    manifest["runs"]["heads"]["files"].append(random.choice(names))
    return json.dumps(manifest).encode()


def damaged_table(random: Random, content: bytes) -> bytes:
    """A Parquet file with damaged bytes, or whole with other columns, values or notes."""
    if random.random() < 0.4:
        return damaged_bytes(random, content)
    table = parquet.read_table(pa.BufferReader(content))
    kind = random.randrange(5)
    if kind == 0:
        notes = json.dumps(damaged_value(random, NOTES))
        table = table.replace_schema_metadata(
            {METADATA: random.choice([notes, "[" * 500, "\xff", "{", ""])}
        )
    elif kind == 1:
        table = table.drop_columns([random.choice(table.column_names)])
    elif kind == 2:
        at = random.randrange(table.num_columns)
        others = [
            [None, 1],
            ["x", "y"],
            [1 << 40, -1],
            [[], [1]],
            [b"\xff", b""],
            [2.5, float("inf")],
        ]
        values = (random.choice(others) * len(table))[: len(table)]
        table = table.set_column(at, table.column_names[at], pa.array(values))
    elif kind == 3:
        table = pa.concat_tables([table] * random.choice([0, 2, 3]) or [table.slice(0, 0)])
    else:
        at = random.randrange(table.num_columns)
        table = table.append_column(random.choice([table.column_names[at], "x" * 5000]), table[at])
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()

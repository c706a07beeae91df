"""The labels of the bundled model hang neither on the precision it computes in nor on threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from golden.compare import differences
from golden.precision import Moved, moved
from golden.tables import Row, head_table, model_in, neuron_table, read, rows_of

ROOT = Path(__file__).parents[2]
TAKE = """
import json
from golden.tables import head_table, model_in, neuron_table, rows_of
model = model_in()
print(json.dumps([rows_of(head_table(model, causal=False)), rows_of(neuron_table(model))]))
"""
# bf16 keeps eight bits of a number: three digits. Measured on these texts: .0009, .0033 and no
# label; of numbers with a unit (activations), half a per cent of the largest.
LIMIT_BF16, ACTIVATIONS_BF16, LABELS_BF16 = 0.01, 0.1, 0.02


def without_causal(rows: list[Row]) -> list[Row]:
    """Heads without the columns that only a causal check fills."""
    dropped = ("ablation", "surrogate", "position_keeps", "causal")
    return [{k: v for k, v in row.items() if not k.startswith(dropped)} for row in rows]


@pytest.fixture(scope="module")
def fp32() -> dict[str, list[Row]]:
    return {"heads": without_causal(read("heads")), "neurons": read("neurons")}


def taken_in(dtype: torch.dtype) -> dict[str, list[Row]]:
    model = model_in(dtype)
    heads = without_causal(rows_of(head_table(model, causal=False)))
    return {"heads": heads, "neurons": rows_of(neuron_table(model))}


def test_fp64_moves_nothing_beyond_the_tolerance_of_the_golden_tables(fp32):
    fp64 = taken_in(torch.float64)
    assert differences(fp32["heads"], fp64["heads"], ["layer", "head"]) == []
    assert differences(fp32["neurons"], fp64["neurons"], ["layer", "neuron"]) == []


def test_bf16_moves_few_labels_and_the_third_digit(fp32):
    bf16 = taken_in(torch.bfloat16)
    for name, before in fp32.items():
        found: Moved = moved(before, bf16[name])
        assert max(found.kinds, found.chosen) <= LABELS_BF16 * found.rows, found
        for number, change in found.largest.items():
            limit = ACTIVATIONS_BF16 if "activation" in number else LIMIT_BF16
            assert change <= limit, (number, found)
        assert any(found.largest.values())  # it was in bf16


def test_two_threads_move_nothing_beyond_the_tolerance(fp32):
    threads = {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", TAKE],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | threads | {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}"},
    )
    heads, neurons = json.loads(done.stdout)
    assert differences(fp32["heads"], without_causal(heads), ["layer", "head"]) == []
    assert differences(fp32["neurons"], neurons, ["layer", "neuron"]) == []

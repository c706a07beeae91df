from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import prepare, tiny_recipe
from safetensors.torch import load_file

from tinyinterp.errors import ProcessesError
from tinyinterp.processes import Processes, processes
from train.training.loop import Trainer

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from pathlib import Path
from runs import tiny_recipe
from train.training.loop import Trainer
from tinyinterp.processes import processes
recipe = tiny_recipe(data={"accumulation": int(sys.argv[3])})
with processes() as among:
    Trainer(recipe, Path(sys.argv[1]), Path(sys.argv[2]), among).run(int(sys.argv[4]))
"""


def losses(run: Path) -> dict[tuple[int, str], float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    kept = ("loss", "dev_nats_per_token", "tokens")
    return {(line["step"], key): line[key] for line in lines for key in kept if key in line}


def run_on_two(script: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    path = os.pathsep.join((str(ROOT / "tests"), str(ROOT)))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--nproc-per-node", "2", str(script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_do_what_one_does_with_twice_the_accumulation(tmp_path):
    prepare(tmp_path / "data")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    two, one = tmp_path / "two", tmp_path / "one"
    run_on_two(script, str(tmp_path / "data"), str(two), "3", "7")
    run_on_two(script, str(tmp_path / "data"), str(two), "3", "100")  # resumed
    recipe = tiny_recipe(data={"accumulation": 6})
    Trainer(recipe, tmp_path / "data", one).run(7)
    Trainer(recipe, tmp_path / "data", one).run()
    expected, found = losses(one), losses(two)
    assert len(expected) >= 8
    assert found == pytest.approx(expected, rel=2e-5)
    weights, others = (load_file(run / "model.safetensors") for run in (one, two))
    begun = Trainer(recipe, tmp_path / "data", tmp_path / "begun")
    begun.save()
    before = load_file(tmp_path / "begun" / "model.safetensors")
    for name, weight in weights.items():  # Muon works in bf16: 1.4 % was seen
        moved = (weight - before[name]).norm()
        assert (others[name] - weight).norm() < 0.05 * moved, name


def test_alone_nothing_is_joined_and_sums_are_the_values():
    with processes() as among:
        assert (among.rank, among.world, among.writes) == (0, 1, True)
        assert among.summed(2.5, 3.0) == [2.5, 3.0]
    assert Processes.alone() == among


def test_variables_that_make_no_sense_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ProcessesError, match=r"RANK or MASTER_ADDR is not set"), processes():
        pass
    monkeypatch.setenv("WORLD_SIZE", "two")
    with (
        pytest.raises(ProcessesError, match=r"WORLD_SIZE is 'two'; start .* torchrun"),
        processes(),
    ):
        pass

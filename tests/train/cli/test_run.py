from __future__ import annotations

import json


def test_recipes_are_listed_and_curves_drawn(invoke, tmp_path):
    assert {"bundled", "gptneo-41m", "tiny"} <= set(invoke("recipes").out.split())
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text('{"step": 1, "tokens": 7, "loss": 3}\n', "utf-8")
    result = invoke("plot", tmp_path / "run", "--out", tmp_path / "loss.png")
    assert (result.code, result.out) == (0, f"{tmp_path / 'loss.png'}\n")
    assert (tmp_path / "loss.png").is_file()


TINY = {
    "model.n_vocab": 307,
    "model.n_ctx": 23,
    "model.d_model": 6,
    "model.n_layers": 2,
    "model.n_heads": 2,
    "schedule.steps": 11,
    "run.precision": '"fp32"',
}


def test_a_recipe_runs_with_overrides_in_both_forms(invoke, text, tmp_path):
    data, run = tmp_path / "data", tmp_path / "run"
    invoke("prepare", "--out", data, "--text", text, "--bpe", 307, "--holdout", 5)
    overrides = [f"{key}={value}" for key, value in TINY.items()]
    options = ("--data", data, "--out", run, "--set", overrides[0])
    result = invoke("run", "tiny", *options, *overrides[1:], "--json")
    assert result.code == 0, result.err
    outcome = json.loads(result.out)
    assert (outcome["run"], outcome["step"], outcome["finished"]) == (str(run), 11, True)
    assert json.loads((run / "training.json").read_text("utf-8"))["step"] == 11
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    again = invoke("run", "tiny", *options, *overrides[1:])
    assert again.out == (
        f"{run}: step 11, best held-out loss {outcome['best_bits_per_byte']:.4f} bits per byte\n"
    )
    wrong = invoke("run", "tiny", *options, "model.widht=3")
    assert wrong.code == 1
    assert wrong.err.startswith("python -m train: recipe tiny: [model] has no key 'widht'")

from __future__ import annotations

import csv
import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from outcome import Outcome, Run
from planted.neurons import stories as grammar
from planted.patterns import random_words

from tinyinterp.tagging import PENN

N_LAYERS, D_MLP = 3, 31
N_STORIES = 41


def neuron_files(layer: int) -> set[str]:
    tables = {f"neurons_layer{layer}.{suffix}" for suffix in ("csv", "parquet", "json", "html")}
    names = ("bottom_activations", "range_activations", "associations", "histograms")
    tables |= {f"{name}_layer{layer}.parquet" for name in names}
    return tables | {f"top_activations_layer{layer}.{suffix}" for suffix in ("parquet", "txt")}


def files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {"tinyinterp.json"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, known = np.random.default_rng(0), np.array(random_words(40))
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text(
        "\n<|endoftext|>\n".join(
            " ".join(random.choice(known, size=7 - n % 3)) for n in range(N_STORIES)
        ),
        "utf-8",
    )
    return path


@pytest.fixture
def census(run: Run, ckpt: Path, stories: Path, tmp_path: Path):
    def call(command: str, *words: str | int) -> Outcome:
        out = tmp_path / command
        text = () if "--text" in words else ("--text", stories)
        outcome = run(command, "--ckpt", ckpt, *text, "--out", out, *words)
        assert outcome.code == 0, outcome.err
        return outcome

    return call


@pytest.fixture
def neurons(census):
    return partial(census, "neurons")


def test_neurons_show_one_neuron_and_the_layers_lie_side_by_side(neurons, tmp_path: Path):
    shown = neurons("--layer", 0, "--neuron", 1, "--top", 3)
    folder = tmp_path / "neurons"
    assert files(folder) == neuron_files(0)
    assert [int(row["neuron"]) for row in rows(folder / "neurons_layer0.csv")] == list(range(D_MLP))
    assert shown.out.count("Activation: ") == 3
    assert "Neuron 1 of layer 0: " in shown.out
    first = (folder / "neurons_layer0.csv").read_bytes()
    content = json.loads(neurons("--layer", 1, "--top", 3, "--json").out)
    assert {Path(path).name for path in content["files"]} == neuron_files(1)
    assert files(folder) == neuron_files(0) | neuron_files(1)
    assert (folder / "neurons_layer0.csv").read_bytes() == first


def test_a_neuron_is_read_from_the_census_just_taken(neurons, tmp_path: Path):
    others = ("--layer", "0", "--neuron", 1, "--no-nulls")
    words = (*others, "--top", 3)
    taken = neurons(*words)
    folder = tmp_path / "neurons"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    again = neurons(*words)
    assert f"from the census in {folder}" in again.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert taken.out.endswith("\n" + again.out)
    assert again.out.startswith("Neuron 1 of layer 0: ")
    assert max(map(len, again.out.splitlines())) <= 100
    assert "\x1b" not in again.out
    assert "from the census" not in neurons(*others, "--top", 4).err
    changes = (("--seed", 1), ("--reading", "pre"), ("--per-story",))
    for other in (*changes, ("--tags", "penn")):
        assert "from the census" not in neurons(*words, *other).err


def test_all_layers_at_once_are_the_layers_one_by_one(neurons, tmp_path: Path):
    shown = neurons("--layer", "all", "--top", 3)
    folder = tmp_path / "neurons"
    assert files(folder) == set().union(*map(neuron_files, range(N_LAYERS)))
    assert "by chance: " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100
    together = {path.name: path.read_bytes() for path in folder.iterdir()}
    neurons("--layer", "1,0", "--top", 3)
    neurons("--layer", "2", "--top", 3)
    for path in folder.iterdir():
        if path.name != "tinyinterp.json":
            assert path.read_bytes() == together[path.name], path.name


def test_neurons_are_ranked_for_a_tag(neurons, tmp_path: Path):
    text = tmp_path / "grammar.txt"
    text.write_text("\n<|endoftext|>\n".join(grammar(0, 30)), "utf-8")
    words = ("--text", text, "--layer", "0,2", "--top", 3, "--no-nulls", "--tag", "noun")
    shown = neurons(*words)
    lines = [json.loads(line) for line in neurons(*words, "--jsonl").out.splitlines()]
    assert len(lines) == 2 * D_MLP
    assert {line["tag"] for line in lines} == {"NOUN"}
    lows = [line["tag_correlation_low"] for line in lines]
    assert lows == sorted(lows, reverse=True)
    first = f"{lines[0]['layer']}.{lines[0]['neuron']}"
    assert re.search(rf"^{re.escape(first)} +{lines[0]['kind']} ", shown.out, re.MULTILINE)
    header = r"^neuron +kind +r +95 % interval +AUROC +of hits +of tag"
    assert re.search(header, shown.out, re.MULTILINE)
    following = neurons(*words, "--target", "next", "--jsonl").out.splitlines()
    assert {json.loads(line)["target"] for line in following} == {"next"}


def test_json_lines_have_every_neuron(neurons):
    lines = neurons("--layer", "0", "--top", 3, "--no-nulls", "--jsonl").out.splitlines()
    assert [json.loads(line)["neuron"] for line in lines] == list(range(D_MLP))
    one = neurons("--layer", "0", "--top", 3, "--no-nulls", "--neuron", 5, "--jsonl").out
    assert [hit["rank"] for hit in json.loads(one)["top"]] == [1, 2, 3]


def test_a_tag_that_is_not_there_is_refused(run, ckpt, stories, tmp_path):
    out = tmp_path / "o"
    words = ("neurons", "--ckpt", ckpt, "--text", stories, "--layer", 0, "--out", out)
    run(*words, "--tag", "VERBS").refused("no universal tag VERBS; choose one of NOUN, ")
    run(*words, "--tags", "penn", "--tag", "NOUN").refused(
        "no penn tag NOUN; choose one of NN, NNS, NNP"
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tagger", "brill"), "no tagger 'brill'; choose one of pattern, "),
        (("--tagger", "hanta", "--tags", "penn"), "HanTa has no penn tags"),
    ],
)
def test_a_tagger_that_is_not_there_is_refused(run, ckpt, stories, tmp_path, words, message):
    out = tmp_path / "o"
    census = ("neurons", "--ckpt", ckpt, "--text", stories, "--layer", 0, "--out", out)
    run(*census, *words).refused(message)
    assert not out.exists()


def test_neurons_are_ranked_and_ablated_by_penn_tags(neurons, tmp_path: Path):
    text = tmp_path / "grammar.txt"
    text.write_text("\n<|endoftext|>\n".join(grammar(0, 30)), "utf-8")
    words = ("--text", text, "--layer", "1", "--top", 3, "--no-nulls", "--tags", "penn")
    shown = neurons(*words, "--tag", "vbd").out
    assert "that best predict the tag VBD of the current word:" in shown
    again = neurons(*words, "--tag", "PRP$", "--jsonl")
    assert "from the census" in again.err
    lines = [json.loads(line) for line in again.out.splitlines()]
    assert len(lines) == D_MLP
    assert {line["tag"] for line in lines} == {"PRP$"}
    one = neurons(*words, "--neuron", 4).out
    assert re.search(r"penn\s+tags\s+by\s+textblob", one)
    ablated = neurons(*words, "--neuron", 4, "--ablate", "--jsonl").out.splitlines()[1:]
    tags = {json.loads(line)["tag"] for line in ablated}
    assert {"NN", "VBD", "PRP$", "all"} <= tags <= {*PENN.names, "all"}


def test_a_neuron_is_ablated_from_a_finished_census(neurons):
    words = ("--layer", "1", "--neuron", 4, "--top", 3, "--no-nulls", "--ablate")
    taken, again = neurons(*words), neurons(*words)
    assert "from the census" in again.err
    assert again.out in taken.out
    _, _, ablated = again.out.partition("Mean ablation raises the loss by")
    assert re.match(r" -?0\.\d+ nats per token \[", ablated)
    lines = [json.loads(line) for line in neurons(*words, "--jsonl").out.splitlines()]
    assert "top" in lines[0]
    assert {"all"} < {line["tag"] for line in lines[1:]}


def test_part_of_speech_neurons_are_ablated_with_the_census(neurons, tmp_path: Path):
    neurons("--layer", "0,1", "--top", 3, "--no-nulls", "--ablate")
    folder = tmp_path / "neurons"
    expected = {f"ablations_layer{layer}.parquet" for layer in (0, 1)}
    assert files(folder) == expected | neuron_files(0) | neuron_files(1)

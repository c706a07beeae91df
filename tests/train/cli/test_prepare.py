from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from holding import replacing_in_another_process
from pyarrow import parquet
from runs import CLEANED_STORIES as CLEANED
from runs import MOJIBAKE_STORIES as STORIES

from tinyinterp.text.instruct import parse, prompt
from tinyinterp.text.stories import read_stories
from tinyinterp.text.tokenizer import Tokenizer
from train.data import prepare as preparing
from train.data.tokens import TokenFile, held_out, read_card


def decoded(folder, split):
    tokenizer, file = Tokenizer.open(folder / "tokenizer"), TokenFile(folder, split)
    windows = [
        file.window(int(start), int(length))
        for start, length in zip(file.starts, file.lengths, strict=True)
    ]
    assert all(window[0] == tokenizer.end_of_text for window in windows)
    return [tokenizer.decode(window[1:].tolist()) for window in windows]


def test_prepared_stories_are_the_cleaned_stories(invoke, text, tmp_path):
    out = tmp_path / "data"
    result = invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--holdout", 5, "--json")
    assert result.code == 0, result.err
    card = json.loads(result.out)
    assert decoded(out, "train") == [story for story in CLEANED if not held_out(story, 5)]
    assert decoded(out, "dev") == [story for story in CLEANED if held_out(story, 5)]
    assert card["train"]["stories"] + card["dev"]["stories"] == len(STORIES)
    assert card["dev"]["stories"] > 0
    assert card["train"]["bytes"] == sum(len(s.encode()) for s in decoded(out, "train"))
    assert card["source"] == "stories.txt"
    assert card["n_vocab"] == read_card(out).n_vocab == 307
    n_words = sum(len(story.split()) for story in CLEANED)
    n_tokens = card["train"]["tokens"] + card["dev"]["tokens"]
    assert card["tokens_per_word"] == pytest.approx(n_tokens / n_words, abs=1e-4)


def test_a_second_run_gives_the_same_fingerprint_and_replaces_the_folder(invoke, text, tmp_path):
    out = tmp_path / "data"
    arguments = ("prepare", "--out", out, "--text", text, "--json", "--bpe")
    first = json.loads(invoke(*arguments, 307).out)
    assert json.loads(invoke(*arguments, 307).out) == first
    other = json.loads(invoke(*arguments, 283).out)
    assert other["fingerprint"] != first["fingerprint"]
    assert {path.name for path in out.iterdir()} == preparing.WRITTEN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "stories.txt"]


def test_mojibake_can_be_left(invoke, text, tmp_path):
    out = tmp_path / "data"
    assert invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--no-clean").code == 0
    assert decoded(out, "train") + decoded(out, "dev") == (
        [s for s in STORIES if not held_out(s, 64)] + [s for s in STORIES if held_out(s, 64)]
    )


def test_without_holdout_every_story_is_for_training(invoke, text, tmp_path):
    out = tmp_path / "data"
    invoke("prepare", "--out", out, "--text", text, "--bpe", 307, "--holdout", 0)
    assert decoded(out, "train") == list(CLEANED)
    assert len(TokenFile(out, "dev")) == 0


@pytest.mark.parametrize("rest", ["pieces", "unknown"])
def test_a_tokenizer_is_reduced_with_its_coverage(invoke, text, tmp_path, rest):
    Tokenizer.train(CLEANED, 337).save(tmp_path / "original")
    keep = {"pieces": 293, "unknown": 37}[rest]
    options = ("--reduce", tmp_path / "original", "--keep", keep, "--rest", rest)
    arguments = ("prepare", "--out", tmp_path / "data", "--text", text, *options)
    result = json.loads(invoke(*arguments, "--json").out)
    assert result["n_vocab"] == keep
    rows = {row["n_vocab"]: row for row in result["coverage"]}
    assert set(rows) == {*preparing.COVERED, keep}
    assert rows[10000] == {"n_vocab": 10000, "tokens": 1, "words": 1}
    stories = decoded(tmp_path / "data", "train")
    if rest == "pieces":
        assert stories == [story for story in CLEANED if not held_out(story, 64)]
        assert result["steps"] > 0
    else:
        assert rows[keep]["tokens"] < 1
        assert any("<|unknown|>" in story for story in stories)
        assert np.max(TokenFile(tmp_path / "data", "train").tokens) == keep - 1
    shown = invoke(*arguments).out
    assert "share of words" in shown
    assert "100.00%" in shown
    assert ("only because others" in shown) == (rest == "pieces")


def test_the_tokenizer_of_another_folder_is_taken_as_it_is(invoke, text, tmp_path):
    Tokenizer.train(CLEANED[:7], 271).save(tmp_path / "model")
    out = tmp_path / "data"
    result = invoke("prepare", "--out", out, "--text", text, "--tokenizer", tmp_path / "model")
    assert result.code == 0
    kept, given = (folder / "tokenizer.json" for folder in (out / "tokenizer", tmp_path / "model"))
    assert kept.read_bytes() == given.read_bytes()
    assert decoded(out, "train") == [story for story in CLEANED if not held_out(story, 64)]


def test_a_data_set_gives_the_same_tokens_as_a_file(invoke, text, tmp_path):
    (tmp_path / "set").mkdir()
    parquet.write_table(pa.table({"text": STORIES}), tmp_path / "set" / "validation.parquet")
    parquet.write_table(pa.table({"story": STORIES}), tmp_path / "stories.parquet")
    sources = (
        ("--text", text),
        ("--text", tmp_path / "stories.parquet"),
        ("--dataset", tmp_path / "set", "--split", "validation"),
    )
    cards = [
        json.loads(
            invoke("prepare", "--out", tmp_path / "data", "--bpe", 307, "--json", *source).out
        )
        for source in sources
    ]
    assert cards[0]["fingerprint"] == cards[1]["fingerprint"] == cards[2]["fingerprint"]
    assert cards[2]["source"] == f"{tmp_path / 'set'} (validation)"


def test_examples_are_prepared_in_one_form_and_others_left_out(invoke, tmp_path):
    made, mixed, out = tmp_path / "made.txt", tmp_path / "mixed.txt", tmp_path / "data"
    result = invoke("examples", "--count", 37, "--seed", 5, "--out", made)
    assert (result.code, result.out) == (0, f"{made}\n")
    examples = list(read_stories(made))
    assert len(examples) == 37
    published = [e.replace("Story:\n", "Story: \n\n") for e in examples]  # as it is on the hub
    mixed.write_text("\n<|endoftext|>\n".join([STORIES[0], *published, "Story:"]), "utf-8")
    arguments = ("prepare", "--out", out, "--text", mixed, "--bpe", 307, "--instruct")
    result = json.loads(invoke(*arguments, "--json").out)
    assert (result["instruct"], result["left_out"]) == (True, 2)
    expected = [prompt(asked) + story for asked, story in map(parse, examples)]
    assert decoded(out, "train") == [text for text in expected if not held_out(text, 64)]
    tokenizer, file = Tokenizer.open(out / "tokenizer"), TokenFile(out, "train")
    for start, n in zip(file.starts, file.prompts, strict=True):
        told = tokenizer.decode(file.window(int(start) + 1, int(n) - 1).tolist())
        assert told.endswith("Story:\n")
        assert told == prompt(parse(told + "x")[0])
    shown = invoke(*arguments).out
    assert "2 were left out; the first: an example has no line 'Story:'" in shown
    plain = invoke("prepare", "--out", out, "--text", made, "--bpe", 307, "--json")
    assert "left_out" not in json.loads(plain.out)


def test_a_second_process_is_refused_before_any_work(invoke, text, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing.Source, "stories", lambda *_: pytest.fail("it has begun to work"))
    first = replacing_in_another_process(tmp_path / "data")
    result = invoke("prepare", "--out", tmp_path / "data", "--text", text, "--bpe", 307)
    assert result.code == 1
    assert f"data is in use by process {first.pid} on" in result.err
    first.communicate("end\n")
    assert first.returncode == 0

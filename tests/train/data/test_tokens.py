from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import tiny_tokenizer
from runs import SIMPLE_STORIES, prepare

import train.data.tokens
from tinyinterp.errors import TrainingError
from tinyinterp.text.tokenizer import Encoding, Tokenizer
from train.data.tokens import STORIES_AT_ONCE, TokenFile, held_out, read_card, write_tokens

EMOJI = "A “café” 🐶 for {name}."


def texts_of(file: TokenFile) -> list[str]:
    tokenizer = tiny_tokenizer()
    texts = []
    for start, length in zip(file.starts, file.lengths, strict=True):
        tokens = file.window(int(start), int(length)).tolist()
        assert tokens[0] == tokenizer.end_of_text
        texts.append(tokenizer.decode(tokens[1:]))
    return texts


def test_stories_come_back_in_order_each_on_its_side(tmp_path):
    stories = [*SIMPLE_STORIES, EMOJI]
    card = prepare(tmp_path / "data", stories)
    train, dev = (TokenFile(tmp_path / "data", split) for split in ("train", "dev"))
    assert texts_of(train) == [story for story in stories if not held_out(story, 7)]
    assert texts_of(dev) == [story for story in stories if held_out(story, 7)]
    assert (card.train.stories, card.dev.stories) == (len(train), len(dev))
    assert len(dev) > 2
    assert train.bytes.tolist() == [len(story.encode()) for story in texts_of(train)]
    assert card.train.bytes == sum(len(story.encode()) for story in texts_of(train))


def test_every_split_ends_with_end_of_text_which_is_not_counted(tmp_path):
    card = prepare(tmp_path / "data")
    end = tiny_tokenizer().end_of_text
    for split, count in (("train", card.train), ("dev", card.dev)):
        file = TokenFile(tmp_path / "data", split)
        assert file.tokens[-1] == end
        assert len(file.tokens) == count.tokens + 1
        assert (np.asarray(file.tokens) == end).sum() == count.stories + 1
        assert int(file.lengths.sum()) == count.tokens
        assert file.tokens.dtype == np.uint16


def test_the_window_at_the_end_is_shorter(tmp_path):
    prepare(tmp_path / "data")
    file = TokenFile(tmp_path / "data", "train")
    window = file.window(len(file.tokens) - 3, 11)
    assert window.shape == (3,)
    assert window.dtype == np.int64


def test_the_card_is_read_back_and_the_fingerprint_knows_the_tokens(tmp_path):
    card = prepare(tmp_path / "first")
    assert read_card(tmp_path / "first") == card
    assert prepare(tmp_path / "second") == card
    changed = prepare(tmp_path / "third", [*SIMPLE_STORIES[:-1], SIMPLE_STORIES[-1] + "!"])
    assert changed.fingerprint != card.fingerprint
    assert changed.tokenizer == card.tokenizer


def test_the_card_says_whether_stories_have_blank_lines(tmp_path):
    plain = [*SIMPLE_STORIES * 2, EMOJI]
    assert prepare(tmp_path / "a", plain).blank_lines is False
    assert prepare(tmp_path / "b", [story + "\n\nThe end." for story in plain]).blank_lines is True
    few = [*(plain * 40), "Tim ran.\n \nThe end."]  # not one in a hundred
    assert prepare(tmp_path / "c", few).blank_lines is False


@given(st.text(), st.integers(2, 50))
def test_the_side_of_a_story_depends_on_its_text_alone(story, holdout):
    assert held_out(story, holdout) == held_out(story, holdout)
    assert held_out(story, 1)
    assert not held_out(story, 0)


def test_about_one_story_in_so_many_is_held_out():
    share = np.mean([held_out(f"story {i}", 10) for i in range(5_000)])
    assert share == pytest.approx(0.1, abs=0.015)  # 3.5 standard deviations


def test_stories_are_taken_as_they_come_and_never_more_than_a_batch_ahead(tmp_path):
    taken, ahead = 0, []

    def endless():
        nonlocal taken
        for story in SIMPLE_STORIES * 50:
            taken += 1
            yield story

    class Watching(Tokenizer):
        def encode_batch(self, texts):
            ahead.append((taken, len(texts)))
            return super().encode_batch(texts)

    write_tokens(
        endless(), Watching(tiny_tokenizer().backend), tmp_path / "data", source="", holdout=0
    )
    assert ahead == [(1024, 1024), (2048, 1024), (3000, 952)]
    assert STORIES_AT_ONCE == 1024


def test_the_size_of_a_batch_changes_nothing(tmp_path, monkeypatch):
    whole = prepare(tmp_path / "whole")
    monkeypatch.setattr(train.data.tokens, "STORIES_AT_ONCE", 7)
    assert prepare(tmp_path / "pieces") == whole


class Wide(Tokenizer):
    """Says that it has more ids than 16 bits hold, and gives the last of them."""

    n_vocab = 70_001

    def encode_batch(self, texts):
        return [Encoding([70_000, 3], [(0, 1), (1, 2)]) for _ in texts]


def test_more_than_65536_tokens_take_32_bits(tmp_path):
    card = write_tokens(
        ["one", "two"], Wide(tiny_tokenizer().backend), tmp_path / "data", source="", holdout=0
    )
    file = TokenFile(tmp_path / "data", "train")
    assert card.dtype == "uint32"
    assert file.tokens.dtype == np.uint32
    end = tiny_tokenizer().end_of_text
    assert file.window(0, 9).tolist() == [end, 70_000, 3, end, 70_000, 3, end]


def test_a_failure_leaves_what_was_there_and_nothing_beside(tmp_path):
    before = prepare(tmp_path / "data")

    def failing():
        yield SIMPLE_STORIES[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="No space left"):
        prepare(tmp_path / "data", failing())
    assert read_card(tmp_path / "data") == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


EXAMPLES = (
    "Words: dog, cat\nStory:\nOnce there was a dog.",
    "Story:\n🐶 “Once”",
    "Summary: “café” 🐶.\nStory: \n\nOne day, Lily saw a ball.",
    "Summary: Story: Story\nStory: the dog ran.\nStory: no",
    "One day, there was no instruction.",
)


def test_the_tokens_of_an_instruction_are_counted_and_end_where_the_story_begins(tmp_path):
    tokenizer = tiny_tokenizer()
    options = {"source": "", "holdout": 0}
    card = write_tokens(EXAMPLES, tokenizer, tmp_path / "data", **options, instruct=True)
    file = TokenFile(tmp_path / "data", "train")
    assert card.instruct
    told = []
    for start, length, n in zip(file.starts, file.lengths, file.prompts, strict=True):
        tokens = file.window(int(start), int(length)).tolist()
        told.append((tokenizer.decode(tokens[1 : int(n)]), tokenizer.decode(tokens[max(1, n) :])))
    assert told == [
        ("Words: dog, cat\nStory:\n", "Once there was a dog."),
        ("Story:\n", "🐶 “Once”"),
        ("Summary: “café” 🐶.\nStory: \n\n", "One day, Lily saw a ball."),
        ("Summary: Story: Story\nStory:", " the dog ran.\nStory: no"),  # the space is in " the"
        ("", "One day, there was no instruction."),
    ]
    assert file.prompts[-1] == 0
    plain = write_tokens(EXAMPLES, tokenizer, tmp_path / "plain", **options)
    assert not plain.instruct
    assert plain.fingerprint == card.fingerprint
    assert (TokenFile(tmp_path / "plain", "train").prompts == 0).all()


def test_data_of_another_version_are_to_be_prepared_again(tmp_path):
    prepare(tmp_path / "data")
    path = tmp_path / "data" / "data.json"
    raw = json.loads(path.read_text())
    assert raw.pop("format") == 2
    path.write_text(json.dumps({k: v for k, v in raw.items() if k != "instruct"}))
    with pytest.raises(TrainingError, match=r"\(format 1, this one reads 2\); prepare it again"):
        TokenFile(tmp_path / "data", "train")


def test_what_is_no_prepared_folder_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="python -m train prepare"):
        read_card(tmp_path)
    (tmp_path / "data.json").write_text("[1, 2]")
    with pytest.raises(TrainingError, match="no prepared data"):
        read_card(tmp_path)


def test_a_missing_or_truncated_split_is_refused(tmp_path):
    prepare(tmp_path / "data")
    raw = (tmp_path / "data" / "train.bin").read_bytes()
    (tmp_path / "data" / "train.bin").write_bytes(raw[:-20])
    with pytest.raises(TrainingError, match="prepare it again"):
        TokenFile(tmp_path / "data", "train")
    (tmp_path / "data" / "train.bin").unlink()
    with pytest.raises(TrainingError, match="holds no train split"):
        TokenFile(tmp_path / "data", "train")


def test_the_card_says_what_the_data_are(tmp_path):
    prepare(tmp_path / "data")
    raw = json.loads((tmp_path / "data" / "data.json").read_text())
    assert raw["source"] == "a test"
    assert raw["n_vocab"] == tiny_tokenizer().n_vocab
    assert raw["holdout"] == 7
    assert len(raw["tokenizer"]) == len(raw["fingerprint"]) == 64

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint, tiny_compressor_checkpoint

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.evaluation.loss import measure_text_loss, score_windows, story_windows
from tinyinterp.evaluation.loss_parts import CONTINUED, NO_WORD, measure_loss_by
from tinyinterp.model import CompressorModel, Model, load_any
from tinyinterp.tagging.alignment import align
from tinyinterp.tagging.reader import TagReader

LONG = " ".join(STORIES)


@pytest.fixture(scope="module", params=["decoder", "compressor"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("tiny") / "model"
    save = tiny_checkpoint if request.param == "decoder" else tiny_compressor_checkpoint
    save(folder, n_ctx=61)
    return load_any(folder)


@pytest.mark.parametrize("by", ["position", "tag"])
def test_the_parts_add_up_to_the_whole(model: Model | CompressorModel, by):
    stories = [*STORIES, LONG]
    whole = measure_text_loss(model.network, model.tokenizer, stories)
    table = measure_loss_by(model, stories, by)
    assert sum(table["tokens"]) == whole.tokens
    assert sum(table["share"]) == pytest.approx(1, rel=1e-5)
    nats = np.dot(table["tokens"], table["nats_per_token"]) / whole.tokens
    assert nats == pytest.approx(whole.nats_per_token, rel=1e-5)
    for row in table:
        assert row["low"] <= row["nats_per_token"] <= row["high"] or np.isnan(row["low"])


def test_positions_count_the_tokens_read_before(model: Model | CompressorModel):
    story = [*model.tokenizer.front, *model.tokenizer.encode(STORIES[0]).ids]
    (window,) = story_windows(story, 61)
    ((_, nats),) = score_windows(model.network, [window])
    table = measure_loss_by(model, [STORIES[0]], "position")
    assert table["position"][:4] == ["0", "1", "2-3", "4-7"]
    assert table["tokens"][:4] == [1, 1, 2, 4]
    for name, part in {"0": nats[:1], "1": nats[1:2], "2-3": nats[2:4], "4-7": nats[4:8]}.items():
        assert table.row(position=name)["nats_per_token"] == pytest.approx(part.mean(), rel=1e-5)
    assert np.isnan(table["low"]).all()  # one story has no interval


def test_a_tag_has_the_tokens_that_begin_its_words(model: Model | CompressorModel):
    reader, story = TagReader(), STORIES[1]
    encoding, words = model.tokenizer.encode(story), reader.words(story)
    number, parts = align(np.array(encoding.offsets), words.starts, words.ends)
    expected: dict[str, int] = {}
    for word, part in zip(number, parts, strict=True):
        name = {3: CONTINUED, 1: "", 2: ""}.get(int(part), NO_WORD)
        tag = words.tags[word] if not name else -1
        name = name or (reader.tag_set.names[tag] if tag >= 0 else NO_WORD)
        expected[name] = expected.get(name, 0) + 1
    table = measure_loss_by(model, [story], "tag")
    assert dict(zip(table["tag"], table["tokens"], strict=True)) == expected
    assert {"NOUN", "VERB", CONTINUED} <= expected.keys()


def test_nothing_to_measure_is_refused(model: Model | CompressorModel):
    with pytest.raises(CorpusError, match="no story"):
        measure_loss_by(model, [""], "tag")


@pytest.mark.usefixtures("unchecked")
def test_another_division_is_refused(model: Model | CompressorModel):
    with pytest.raises(SelectionError, match="choose position or tag"):
        measure_loss_by(model, list(STORIES), "word")

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from models import STORIES, tiny_checkpoint, tiny_tokenizer

import tinyinterp
from tinyinterp.errors import CorpusError
from tinyinterp.model import Model
from tinyinterp.network import generation
from tinyinterp.network.generation import Sampling
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


def test_every_public_name_is_there():
    for name in tinyinterp.__all__:
        assert getattr(tinyinterp, name) is not None
        assert name in dir(tinyinterp)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tinyinterp.nothing


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["version"] == tinyinterp.__version__


def test_a_text_may_be_a_path_or_stories_or_a_corpus(model: Model, tmp_path: Path):
    path = tmp_path / "stories.txt"
    path.write_text("\n<|endoftext|>\n".join(STORIES), "utf-8")
    given = [path, str(path), STORIES, corpus_of(list(STORIES), model.tokenizer, 97)]
    for corpus in given:
        opened = model.corpus(corpus)
        assert [sequence.story for sequence in opened.sequences()] == list(STORIES)
    limited = model.corpus(STORIES, max_tokens=3)
    assert [sequence.story for sequence in limited.sequences()] == [STORIES[0]]


def test_a_corpus_of_another_model_is_refused(model: Model):
    other = Tokenizer.train(STORIES, 277)
    with pytest.raises(CorpusError, match="the tokenizer of another model"):
        model.corpus(corpus_of(list(STORIES), other, 97))
    with pytest.raises(CorpusError, match="up to 101 tokens, the context of 'model' holds 97"):
        model.corpus(corpus_of(list(STORIES), tiny_tokenizer(), 101))


def test_a_story_is_the_prompt_and_what_generation_adds(model: Model):
    settings = Sampling(temperature=0.7, seed=5, max_tokens=23)
    tokenizer = model.tokenizer
    prompt = [tokenizer.end_of_text, *tokenizer.encode("Once upon").ids]
    (made,) = generation.generate(model.decoder, prompt, settings=settings)
    story = tinyinterp.generate(model, "Once upon", temperature=0.7, seed=5, max_tokens=23)
    assert tokenizer.end_of_text not in made
    assert story == tokenizer.decode(prompt[1:] + made)


def test_the_token_that_ends_a_story_is_not_shown(model: Model, monkeypatch: pytest.MonkeyPatch):
    end = model.tokenizer.end_of_text
    dog = model.tokenizer.encode(" dog").ids
    monkeypatch.setattr(generation, "generate", lambda *_args, **_settings: [[*dog, end]])
    assert tinyinterp.generate(model, "a") == "a dog"

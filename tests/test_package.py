from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from models import STORIES, tiny_checkpoint, tiny_decoder, tiny_tokenizer

import tinyinterp
from tinyinterp import checkpoint
from tinyinterp.checkpoint import read_training
from tinyinterp.checkpoint.facts import trained_without_blank_lines
from tinyinterp.errors import CorpusError
from tinyinterp.head_census import HeadSettings
from tinyinterp.model import Model
from tinyinterp.network import generation
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P, Sampling
from tinyinterp.neuron_census import NeuronSettings
from tinyinterp.text.cleaning import fold_blank_lines
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.source import open_stories
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


@pytest.fixture(scope="module")
def folding(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model whose training text had no blank lines."""
    folder = tmp_path_factory.mktemp("folding") / "model"
    training = {"data": {"blank_lines": False}}
    checkpoint.save(folder, tiny_decoder(), tiny_tokenizer(), training)
    return tinyinterp.load(folder)


SPACED = ["Tim ran.\n\nHe fell.", "The sun was warm."]


def test_blank_lines_are_folded_for_a_model_that_never_saw_them(
    folding: Model, capsys: pytest.CaptureFixture[str]
):
    corpus = folding.corpus(SPACED)
    assert [s.story for s in corpus.sequences()] == ["Tim ran.\nHe fell.", SPACED[1]]
    assert corpus.blank_lines == "folded"
    said = capsys.readouterr().err
    assert "because model was trained on a text without them" in said
    kept = folding.corpus(SPACED, keep_blank_lines=True)
    assert [s.story for s in kept.sequences()] == SPACED
    assert kept.blank_lines == "kept"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("training", [{}, {"data": {"blank_lines": True}}, {"data": [0]}])
def test_nothing_is_folded_for_a_model_of_which_nothing_is_known(
    tmp_path: Path, training: dict[str, object]
):
    checkpoint.save(tmp_path, tiny_decoder(), tiny_tokenizer(), training)
    assert list(tinyinterp.load(tmp_path).stories(SPACED).read()) == SPACED


def test_tables_say_whether_blank_lines_were_kept(folding: Model):
    for keep, said in ((False, "folded"), (True, "kept")):
        heads = tinyinterp.heads(folding, SPACED, causal=False, keep_blank_lines=keep)
        neurons = tinyinterp.neurons(
            folding, SPACED, layer=0, top=2, null_tokens=0, keep_blank_lines=keep
        )
        assert heads.table.notes["blank_lines"] == neurons.table.notes["blank_lines"] == said


def test_the_bundled_model_never_saw_blank_lines():
    assert trained_without_blank_lines(read_training(checkpoint.bundled_folder()))
    stories = list(open_stories().read())
    assert [fold_blank_lines(story) for story in stories] == stories


@pytest.mark.parametrize(
    ("function", "settings"),
    [(tinyinterp.heads, HeadSettings), (tinyinterp.neurons, NeuronSettings)],
)
def test_settings_have_the_defaults_of_the_census(
    function: Callable[..., object], settings: type[HeadSettings | NeuronSettings]
):
    written = inspect.signature(function).parameters
    for field in fields(settings):
        if field.name != "layers":
            assert written[field.name].default == field.default


def test_the_defaults_of_a_story_are_those_of_the_command():
    written = inspect.signature(tinyinterp.generate).parameters
    assert (written["temperature"].default, written["top_p"].default) == (0.7, 0.6)
    assert (FLUENT_TEMPERATURE, FLUENT_TOP_P) == (0.7, 0.6)
    assert Sampling() == Sampling(temperature=1.0, top_p=None)  # the model's own distribution


def test_a_context_that_is_too_long_is_refused(model: Model):
    with pytest.raises(CorpusError, match="the context of 'model' holds 97"):
        model.corpus(STORIES, n_ctx=98)
    with pytest.raises(CorpusError, match="choose one"):
        model.corpus(STORIES, dataset="some/stories")
    with pytest.raises(CorpusError, match="choose one"):
        model.corpus(model.corpus(STORIES), dataset="some/stories")


def test_a_corpus_of_another_model_is_refused(model: Model):
    other = Tokenizer.train(STORIES, 277)
    with pytest.raises(CorpusError, match="the tokenizer of another model"):
        model.corpus(corpus_of(list(STORIES), other, 97))
    with pytest.raises(CorpusError, match="up to 101 tokens, the context of 'model' holds 97"):
        model.corpus(corpus_of(list(STORIES), tiny_tokenizer(), 101))


def test_a_story_is_the_prompt_and_what_generation_adds(model: Model):
    settings = Sampling(temperature=0.7, top_p=0.6, seed=5, max_tokens=23)
    tokenizer = model.tokenizer
    prompt = [tokenizer.end_of_text, *tokenizer.encode("Once upon").ids]
    (made,) = generation.generate(model.decoder, prompt, settings=settings)
    story = tinyinterp.generate(model, "Once upon", seed=5, max_tokens=23)
    assert tokenizer.end_of_text not in made
    assert story == tokenizer.decode(prompt[1:] + made)
    own = Sampling(seed=5, max_tokens=23)
    (made,) = generation.generate(model.decoder, prompt, settings=own)
    options = {"temperature": 1.0, "top_p": None, "seed": 5, "max_tokens": 23}
    assert tinyinterp.generate(model, "Once upon", **options) == tokenizer.decode(prompt[1:] + made)


def test_the_token_that_ends_a_story_is_not_shown(model: Model, monkeypatch: pytest.MonkeyPatch):
    end = model.tokenizer.end_of_text
    dog = model.tokenizer.encode(" dog").ids
    monkeypatch.setattr(generation, "generate", lambda *_args, **_settings: [[*dog, end]])
    assert tinyinterp.generate(model, "a") == "a dog"

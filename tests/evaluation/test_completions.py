from __future__ import annotations

from pathlib import Path

import pytest
from models import tiny_checkpoint, tiny_compressor_checkpoint

from tinyinterp.errors import ConfigError
from tinyinterp.evaluation.completions import complete, prompt_seed
from tinyinterp.model import CompressorModel, Model, load_any
from tinyinterp.network.generation import generate
from tinyinterp.network.sampling import Sampling

PROMPTS = ["Once upon a time there was", "One", "The sun was warm and the cat", "One day, Lily"]
SETTINGS = Sampling(temperature=0.9, top_p=0.9, seed=5, max_tokens=30)


@pytest.fixture(scope="module", params=["decoder", "compressor"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("tiny") / "model"
    if request.param == "decoder":
        tiny_checkpoint(folder, tied=False)
    else:
        tiny_compressor_checkpoint(folder, tied=False)
    return load_any(folder)


def alone(model: Model | CompressorModel, prompt: str, n_samples: int) -> list[str]:
    tokenizer = model.tokenizer
    made = generate(
        model.network,
        tokenizer.encode_prompt(prompt),
        settings=Sampling(temperature=0.9, top_p=0.9, seed=prompt_seed(5, prompt), max_tokens=30),
        end_of_text=tokenizer.end,
        n_samples=n_samples,
    )
    return [tokenizer.decode([t for t in tokens if t != tokenizer.end]) for tokens in made]


def test_a_completion_is_that_of_the_prompt_alone(model: Model | CompressorModel):
    found = complete(model, PROMPTS, SETTINGS, n_samples=3)
    assert found == [alone(model, prompt, 3) for prompt in PROMPTS]
    assert len({text for samples in found for text in samples}) == 12
    assert complete(model, PROMPTS[2:0:-1], SETTINGS) == [found[2][:1], found[1][:1]]


def test_each_completion_is_reported(model: Model | CompressorModel):
    class Report:
        done = 0.0

        def advance(self, steps: float = 1, note: str | None = None) -> None:  # noqa: ARG002
            self.done += steps

    report = Report()
    complete(model, PROMPTS, SETTINGS, n_samples=2, report=report)
    assert report.done == 8
    assert complete(model, [], SETTINGS) == []


def test_a_prompt_that_fills_the_context_is_named(model: Model | CompressorModel):
    with pytest.raises(ConfigError, match=r"prompt 1 \(the first is 0\) has .* the context holds"):
        complete(model, ["One", "One day " * 97], SETTINGS)


def test_a_prompt_has_the_same_seed_in_every_list():
    assert prompt_seed(0, "One") == prompt_seed(0, "One")
    assert len({prompt_seed(0, "One"), prompt_seed(1, "One"), prompt_seed(0, "Two")}) == 3
    assert Sampling(seed=prompt_seed(0, "One")).seed >= 0

"""``tinyinterp generate``: a model goes on with a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.options import Ckpt, Json, Seed
from tinyinterp.cli.report import print_json

if TYPE_CHECKING:
    from tinyinterp.model import CompressorModel, Model
    from tinyinterp.network.generation import Sampling
    from tinyinterp.text.instruct import Instruction

EXAMPLES = (  # the prompts that the published 41M model was shown with
    "Once upon a time in a land far, far away, there lived a",
    "There was once a beautiful princess",
    "There once was a boy who lived in a small house.",
)


def generate(
    *,
    prompt: Annotated[str | None, typer.Argument(help="How the text begins.")] = None,
    ckpt: Ckpt = None,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy; 1, the default, is the model's own choice.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Only the k likeliest tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Only the likeliest tokens that reach this mass.")
    ] = None,
    seed: Seed = 0,
    max_tokens: Annotated[
        int | None, typer.Option(help="At most so many; up to the context's end if left out.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many texts for each prompt.")] = 1,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always the likeliest token.")] = False,
    examples: Annotated[
        bool, typer.Option("--examples", help="The three prompts of the published 41M model.")
    ] = False,
    words: Annotated[
        str, typer.Option(help="Words to be in the story, as 'quit, oak, gloomy'.")
    ] = "",
    features: Annotated[
        str, typer.Option(help="Features of the story, as 'Dialogue, BadEnding'.")
    ] = "",
    summary: Annotated[str, typer.Option(help="A summary of the story.")] = "",
    sentence: Annotated[str, typer.Option(help="A sentence to be in the story.")] = "",
    as_json: Json = False,
) -> None:
    """Go on with PROMPT until the story ends, or write the story that is asked for.

    --words, --features, --summary and --sentence ask a model that was trained on instructions, and
    only the story is shown. Several texts are separated by <|endoftext|> lines, as the commands
    that read stories want it.
    """
    instructed = any(field.strip() for field in (words, features, summary, sentence))
    if [prompt is not None, examples, instructed].count(True) != 1:
        raise typer.BadParameter(
            "give a prompt, or --examples, or what a story must have (--words, --features, "
            "--summary, --sentence)",
            param_hint="PROMPT",
        )
    if greedy and temperature is not None:
        raise typer.BadParameter(
            "give one of them, not both", param_hint="--greedy / --temperature"
        )
    from tinyinterp.model import load_any
    from tinyinterp.network.generation import Sampling

    if temperature is None:
        temperature = 0.0 if greedy else 1.0
    settings = Sampling(temperature, top_k, top_p, seed, max_tokens)
    model = load_any(ckpt)
    prompts = EXAMPLES if prompt is None else (prompt,)
    if instructed:
        from tinyinterp.text.instruct import instruction

        asked = instruction(words, features, summary, sentence)
        prompts = (_instruction_prompt(model, asked),)
    if as_json:
        _print_as_json(model, prompts, settings, samples)
        return
    for number, beginning in enumerate(prompts):
        if number:
            typer.echo(model.tokenizer.end_of_text_name)
        shown = "" if instructed else typer.style(beginning, bold=True)
        _print_samples(model, beginning, settings, samples, shown)


def _instruction_prompt(model: Model | CompressorModel, asked: Instruction) -> str:
    """The prompt for an instruction, unless the model is known not to understand it."""
    from tinyinterp.errors import SelectionError
    from tinyinterp.text.instruct import prompt

    data = model.checkpoint.training.get("data")  # a model of others' says nothing of its data
    if isinstance(data, dict) and not data.get("instruct"):
        raise SelectionError(
            f"{model.name} was trained on plain stories and knows no instructions; give it the "
            "beginning of a story"
        )
    return prompt(asked)


def _print_samples(
    model: Model | CompressorModel, prompt: str, settings: Sampling, samples: int, shown: str
) -> None:
    from tinyinterp.network.generation import stream
    from tinyinterp.text.stream import TextStream

    tokenizer = model.tokenizer
    if samples > 1:  # they are made side by side, and shown when they are done
        for number, story in enumerate(_texts(model, prompt, settings, samples)):
            if number:
                typer.echo(tokenizer.end_of_text_name)
            typer.echo(shown + story["text"])
        return
    pieces = TextStream(tokenizer)
    made = stream(
        model.network,
        [tokenizer.end_of_text, *tokenizer.encode(prompt).ids],
        settings=settings,
        end_of_text=tokenizer.end_of_text,
    )
    for number, (_, token) in enumerate(made):
        if number == 0:
            typer.echo(shown, nl=False)
        if token != tokenizer.end_of_text:
            typer.echo(pieces.feed(token), nl=False)
    typer.echo(pieces.close())


def _print_as_json(
    model: Model | CompressorModel, prompts: tuple[str, ...], settings: Sampling, samples: int
) -> None:
    from dataclasses import asdict

    texts = [
        {"prompt": prompt, **story}
        for prompt in prompts
        for story in _texts(model, prompt, settings, samples)
    ]
    print_json({"fingerprint": model.fingerprint, "settings": asdict(settings), "samples": texts})


def _texts(
    model: Model | CompressorModel, prompt: str, settings: Sampling, samples: int
) -> list[dict[str, Any]]:
    from tinyinterp.network.generation import generate as continuations

    tokenizer = model.tokenizer
    made = continuations(
        model.network,
        [tokenizer.end_of_text, *tokenizer.encode(prompt).ids],
        settings=settings,
        end_of_text=tokenizer.end_of_text,
        n_samples=samples,
    )
    stories = []
    for tokens in made:
        ended = tokens[-1] == tokenizer.end_of_text
        text = tokenizer.decode(tokens[:-1] if ended else tokens)
        stories.append({"text": text, "tokens": len(tokens), "ended": ended})
    return stories

"""``tinyinterp generate``: a model continues a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyinterp.cli.given import GivenModel
from tinyinterp.cli.options import Json, Seed
from tinyinterp.cli.report import print_json
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P

if TYPE_CHECKING:
    from tinyinterp.model import AnyModel
    from tinyinterp.network.sampling import Sampling
    from tinyinterp.text.instruct import Instruction

EXAMPLES = (  # the prompts that the published 41M model was shown with
    "Once upon a time in a land far, far away, there lived a",
    "There was once a beautiful princess",
    "There once was a boy who lived in a small house.",
)


def generate(
    *,
    prompt: Annotated[str | None, typer.Argument(help="How the text begins.")] = None,
    given: GivenModel,
    temperature: Annotated[
        float | None,
        typer.Option(
            help=f"0 is greedy, 1 is the model's own distribution. [default: {FLUENT_TEMPERATURE}]",
        ),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Draw from the k most likely tokens only.")
    ] = None,
    top_p: Annotated[
        float,
        typer.Option(
            help="Draw from the most likely tokens that together reach this probability; "
            "1 for all tokens."
        ),
    ] = FLUENT_TOP_P,
    seed: Seed = 0,
    max_tokens: Annotated[
        int | None,
        typer.Option(help="Tokens to write, at most; up to the end of the context if left out."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Texts to write for each prompt.")] = 1,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Always take the most likely token.")
    ] = False,
    examples: Annotated[
        bool,
        typer.Option(
            "--examples", help="Use the three prompts that the published 41M model was shown with."
        ),
    ] = False,
    words: Annotated[
        str, typer.Option(help="Words for the story, such as 'quit, oak, gloomy'.")
    ] = "",
    features: Annotated[
        str, typer.Option(help="Features of the story, such as 'Dialogue, BadEnding'.")
    ] = "",
    summary: Annotated[str, typer.Option(help="A summary of the story.")] = "",
    sentence: Annotated[str, typer.Option(help="A sentence for the story, word for word.")] = "",
    as_json: Json = False,
) -> None:
    """Continue PROMPT until the story ends, or write a story to an instruction.

    The defaults (temperature 0.7, top-p 0.6) keep the bundled model fluent; --temperature 1
    --top-p 1 samples from its own distribution, --greedy takes the most likely token each time.

    --words, --features, --summary and --sentence need a model that was trained on instructions;
    only the story is shown. Several texts are separated by <|endoftext|> lines, which the commands
    that read stories expect.
    """
    instructed = any(field.strip() for field in (words, features, summary, sentence))
    if [prompt is not None, examples, instructed].count(True) != 1:
        raise typer.BadParameter(
            "give a prompt, or --examples, or an instruction (--words, --features, --summary, "
            "--sentence)",
            param_hint="PROMPT",
        )
    if greedy and temperature is not None:
        raise typer.BadParameter(
            "give one of them, not both", param_hint="--greedy / --temperature"
        )
    from tinyinterp.network.sampling import Sampling
    from tinyinterp.text.tokenizer import END_OF_TEXT

    if temperature is None:
        temperature = 0.0 if greedy else FLUENT_TEMPERATURE
    settings = Sampling(temperature, top_k, top_p, seed, max_tokens)
    model = given.load_any()
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
            typer.echo(END_OF_TEXT)
        shown = "" if instructed else typer.style(beginning, bold=True)
        _print_samples(model, beginning, settings, samples, shown)


def _instruction_prompt(model: AnyModel, asked: Instruction) -> str:
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
    model: AnyModel, prompt: str, settings: Sampling, samples: int, shown: str
) -> None:
    from tinyinterp.network.generation import stream
    from tinyinterp.text.stream import TextStream
    from tinyinterp.text.tokenizer import END_OF_TEXT

    tokenizer = model.tokenizer
    if samples > 1:  # they are made side by side, and shown when they are done
        for number, story in enumerate(_texts(model, prompt, settings, samples)):
            if number:
                typer.echo(END_OF_TEXT)
            typer.echo(shown + story["text"])
        return
    pieces = TextStream(tokenizer)
    made = stream(
        model.network,
        tokenizer.encode_prompt(prompt),
        settings=settings,
        end_of_text=tokenizer.end,
    )
    for number, (_, token) in enumerate(made):
        if number == 0:
            typer.echo(shown, nl=False)
        if token != tokenizer.end:
            typer.echo(pieces.feed(token), nl=False)
    typer.echo(pieces.close())


def _print_as_json(
    model: AnyModel, prompts: tuple[str, ...], settings: Sampling, samples: int
) -> None:
    from dataclasses import asdict

    texts = [
        {"prompt": prompt, **story}
        for prompt in prompts
        for story in _texts(model, prompt, settings, samples)
    ]
    print_json({"fingerprint": model.fingerprint, "settings": asdict(settings), "samples": texts})


def _texts(model: AnyModel, prompt: str, settings: Sampling, samples: int) -> list[dict[str, Any]]:
    from tinyinterp.network.generation import generate as continuations

    tokenizer = model.tokenizer
    made = continuations(
        model.network,
        tokenizer.encode_prompt(prompt),
        settings=settings,
        end_of_text=tokenizer.end,
        n_samples=samples,
    )
    stories = []
    for tokens in made:
        ended = tokens[-1] == tokenizer.end
        text = tokenizer.decode(tokens[:-1] if ended else tokens)
        stories.append({"text": text, "tokens": len(tokens), "ended": ended})
    return stories

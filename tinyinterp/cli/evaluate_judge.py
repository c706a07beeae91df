"""``tinyinterp evaluate judge``: a language model scores completions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyinterp.cli.completions import (
    Asked,
    Checkpoints,
    CompletionsFile,
    MaxTokens,
    Shares,
    StoryCount,
    Temperature,
    TopK,
    TopP,
    check_source,
    complete_stories,
)
from tinyinterp.cli.options import (
    Dataset,
    Device,
    Json,
    KeepBlankLines,
    Out,
    Seed,
    SeparatedBy,
    Separator,
    Split,
    StartToken,
    TextFile,
    TokenizerFolder,
    check_one_text,
    start_choice,
)
from tinyinterp.cli.report import columns, print_json, print_lines, say, say_written
from tinyinterp.cli.tables import as_json, say_warnings

if TYPE_CHECKING:
    from tinyinterp.evaluation.judge import JudgeServer, Plan

CRITERIA = ("grammar", "creativity", "consistency", "plot", "following")


def judge(
    *,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The judge's name there.")],
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="Server that speaks OpenAI's protocol, hosted or local, such as "
            "http://localhost:8000/v1; OpenAI's own if left out.",
        ),
    ] = None,
    key_env: Annotated[
        str,
        typer.Option("--key-env", metavar="NAME", help="Environment variable that holds the key."),
    ] = "OPENAI_API_KEY",
    ckpt: Checkpoints = None,
    tokenizer: TokenizerFolder = None,
    start: StartToken = None,
    device: Device = "cpu",
    text: TextFile = None,
    dataset: Dataset = None,
    split: Split = "validation",
    separator: Separator = SeparatedBy.AUTO,
    keep_blank_lines: KeepBlankLines = False,
    share: Shares = None,
    stories: StoryCount = 20,
    completions: CompletionsFile = None,
    temperature: Temperature = 0.0,
    top_k: TopK = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="Times that each completion is judged, as the report did.")
    ] = 2,
    judge_prompt: Annotated[
        Path | None,
        typer.Option(
            "--judge-prompt",
            metavar="FILE",
            help="What the judge is asked, with {prompt} and {continuation} where the texts stand.",
        ),
    ] = None,
    judge_temperature: Annotated[
        float | None,
        typer.Option(min=0, help="The judge's temperature; the server's if left out."),
    ] = None,
    price_in: Annotated[
        float | None, typer.Option(min=0, help="Price of a million tokens that the judge reads.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(min=0, help="Price of a million tokens that it writes.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask the judge without asking you.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request.")] = 60.0,
    attempts: Annotated[int, typer.Option(min=1, help="Requests for one answer, at most.")] = 5,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 4,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the answers, so that none is paid twice; the user's cache if left out.",
        ),
    ] = None,
    seed: Seed = 0,
    out: Out = Path("tinyinterp-out/judge"),
    as_one_json: Json = False,
) -> None:
    """Let a language model judge completions: grammar, creativity, consistency, plot, from 0 to 10.

    Stories with an instruction in front (TinyStoriesInstruct) are also judged by how well they
    follow it. The key comes from the environment; a server on this machine needs none. The number
    of requests and an estimate of their cost are shown before the first is sent. Needs the extra
    [judge]. Without any server, see tinyinterp evaluate proxies.
    """
    check_one_text(text, dataset)
    check_source(completions, ckpt)
    if (price_in is None) != (price_out is None):
        raise typer.BadParameter("give both or neither", param_hint="--price-in / --price-out")
    from tinyinterp.caches import user_cache
    from tinyinterp.evaluation.judge.cache import AnswerCache
    from tinyinterp.evaluation.judge.judging import judge as ask
    from tinyinterp.evaluation.judge.judging import judgement_tables
    from tinyinterp.evaluation.judge.plan import plan_requests
    from tinyinterp.evaluation.judge.prompts import JudgePrompt
    from tinyinterp.evaluation.judge.server import Connection, JudgeServer, default_url, find_key
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from tinyinterp.network.sampling import Sampling

    server = JudgeServer(
        model, base_url or default_url(), judge_temperature, timeout, attempts, seed
    )
    connection = Connection(server, find_key(server, key_env))
    prompt = JudgePrompt.read(judge_prompt)
    output = OutputFolder(out)
    if completions is not None:
        from tinyinterp.evaluation.openings import read_completions

        done = read_completions(completions)
    else:
        asked = Asked(
            ckpt=ckpt,
            tokenizer=tokenizer,
            start=start_choice(start),
            device=device,
            text=text,
            dataset=dataset,
            split=split,
            separator=separator.value,
            keep_blank_lines=keep_blank_lines,
            shares=share or ["0.4"],
            stories=stories,
            sampling=Sampling(temperature, top_k, top_p, seed, max_tokens),
        )
        done = complete_stories(asked)
    kept = AnswerCache(cache or user_cache() / "judge")
    plan = plan_requests(done, prompt, server, kept, repeats)
    prices = None if price_in is None or price_out is None else (price_in, price_out)
    _confirm(plan, server, prices, yes=yes)
    with progress("asking the judge", len(plan.unanswered)) as bar:
        judgements, tokens_in, tokens_out = ask(
            plan, connection, kept, parallel=parallel, report=bar
        )
    connection.close()
    notes: dict[str, object] = {"judge": model, "server": server.host, "repeats": repeats}
    notes |= {"tokens_in": tokens_in, "tokens_out": tokens_out}
    if prices is not None:
        notes["cost"] = (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6
    means, of_stories = judgement_tables(judgements, notes, seed)
    about = ", ".join(dict.fromkeys(each.model for each in done))
    with output.filling("judge", f"{about}, judged by {model}") as folder:
        means.write(folder)
        of_stories.write(folder)
    say_warnings(means)
    if as_one_json:
        print_json(as_json(means, output))
        return
    from tinyinterp.views.story_measures import measure_blocks

    shown = {name: name for name in CRITERIA}
    for number, (header, rows) in enumerate(measure_blocks(list(means), shown, digits=2)):
        print_lines([""] * (number > 0) + columns(header, rows))
    say_written(output.folder, output.written)


def _confirm(
    plan: Plan, server: JudgeServer, prices: tuple[float, float] | None, *, yes: bool
) -> None:
    """Say what is about to be asked, and wait for a yes where somebody can give it.

    Raises:
        JudgeError: nobody can.
        typer.Abort: the answer is no.
    """
    from tinyinterp.errors import JudgeError

    n_asked = len(plan.unanswered)
    n_known = len({each.key for each in plan.requests}) - n_asked
    say(f"{n_asked:,} requests to {server.model} at {server.host}; {n_known:,} answers are known")
    if not n_asked:
        return
    cost = "give --price-in and --price-out for the cost"
    if prices is not None:
        cost = f"about {plan.cost(*prices):.2f} in the currency of the prices"
    say(
        f"about {plan.tokens_in:,} tokens to read and {plan.tokens_out:,} to write, repeated "
        f"attempts not counted: {cost}"
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise JudgeError("nothing was sent; give --yes to send these requests")
    typer.confirm("Send them?", abort=True, err=True)

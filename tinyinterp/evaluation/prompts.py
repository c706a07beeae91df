"""Prompts whose continuations are known to be right or wrong: facts, reasoning, context tracking.

    prompt + each candidate ─► log-probability ─► rank and share of the right ones ─► by category
    prompt ─► greedy and sampled completion, to be read

A candidate is scored as a whole: the log-probabilities of its tokens, summed. The prompt counts as
answered where a right candidate has the highest. After the three categories of the TinyStories
student report (see ``docs/sources.md``), with prompts of our own: they come in pairs that share
their candidates, each right once, so that a model which ignores the prompt answers half of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tinyinterp.evaluation.completions import complete
from tinyinterp.evaluation.prompt_sets import Prompt, check_prompts, read_prompts
from tinyinterp.evaluation.scoring import continuation_nats
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.model import AnyModel
from tinyinterp.network.sampling import FLUENT_TEMPERATURE, FLUENT_TOP_P, Sampling
from tinyinterp.statistics import block_bootstrap, wilson_interval

ALL = "all"  # the category of all prompts together
SAMPLING = Sampling(temperature=FLUENT_TEMPERATURE, top_p=FLUENT_TOP_P, max_tokens=20)
SENTENCE = re.compile(r"[.!?]+[\"”’']?(?=\s|$)")


@dataclass(frozen=True)
class PromptAnswers:
    """What one or several models make likely after prompts.

    Args:
        prompts: a row for each model and prompt: rank and share of the right candidates, and the
            completions.
        continuations: a row for each model, prompt and candidate.
        accuracy: a row for each model and category, with 95 % intervals.
    """

    prompts: Table
    continuations: Table
    accuracy: Table

    @property
    def tables(self) -> tuple[Table, Table, Table]:
        """All of them."""
        return self.prompts, self.continuations, self.accuracy


def answer_prompts(
    model: AnyModel,
    prompts: Iterable[Prompt] | None = None,
    sampling: Sampling = SAMPLING,
    *,
    name: str | None = None,
    report: Progress | None = None,
) -> PromptAnswers:
    """Score the candidates of prompts, and complete each prompt twice.

    Intervals of accuracy are Wilson's; those of the mean share of the right candidates resample
    the groups of prompts that have the same candidates.

    Args:
        model: an open decoder or compressor.
        prompts: None for those that come with the package.
        sampling: of the sampled completion; the greedy one has as many tokens.
        name: of the model in the tables; None for its own.
        report: advances by one for each completion.

    Raises:
        CorpusError: there are no prompts, or two have one id.
        ConfigError: a prompt does not fit in the context.
    """
    chosen = read_prompts() if prompts is None else check_prompts(prompts)
    name = model.name if name is None else name
    pairs = [(prompt.prompt, f" {c}") for prompt in chosen for c in prompt.candidates]
    scores = -np.array(continuation_nats(model, pairs))
    bounds = np.cumsum([0, *(len(prompt.candidates) for prompt in chosen)])
    by_prompt = [scores[a:b] for a, b in pairwise(bounds)]
    greedy = Sampling(temperature=0.0, max_tokens=sampling.max_tokens)
    texts = [prompt.prompt for prompt in chosen]
    written = [complete(model, texts, each, report=report) for each in (greedy, sampling)]
    rows, candidates = [], []
    for number, (prompt, log_p) in enumerate(zip(chosen, by_prompt, strict=True)):
        completions = [first_sentence(made[number][0]) for made in written]
        rows.append({"model": name, **_row(prompt, log_p)})
        rows[-1] |= dict(zip(("greedy", "sampled"), completions, strict=True))
        candidates += [{"model": name, **row} for row in _candidate_rows(prompt, log_p)]
    notes = {
        "models": {name: model.fingerprint},
        "seed": sampling.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    return PromptAnswers(
        Table("prompts", rows, notes=notes),
        Table("prompt_continuations", candidates, notes=notes),
        Table("prompt_accuracy", _accuracy(name, chosen, rows, sampling.seed), notes=notes),
    )


def side_by_side(answers: Sequence[PromptAnswers]) -> PromptAnswers:
    """The tables of several models as one, model after model."""
    merged = []
    for tables in zip(*(each.tables for each in answers), strict=True):
        models = {name: mark for t in tables for name, mark in t.notes["models"].items()}
        notes = tables[0].notes | {"models": models}
        merged.append(Table(tables[0].name, [row for t in tables for row in t], notes=notes))
    return PromptAnswers(*merged)


def first_sentence(text: str) -> str:
    """A completion up to the end of its first sentence, in one line."""
    end = SENTENCE.search(text)
    return " ".join(text[: end.end() if end else None].split())


def _row(prompt: Prompt, log_p: np.ndarray) -> dict[str, object]:
    n_right = len(prompt.right)
    right, wrong = int(log_p[:n_right].argmax()), int(log_p[n_right:].argmax()) + n_right
    rank = 1 + int((log_p[n_right:] >= log_p[right]).sum())
    p = np.exp(log_p - log_p.max())
    return {
        "id": prompt.id,
        "category": prompt.category,
        "prompt": prompt.prompt,
        "answered": rank == 1,
        "rank": rank,
        "p_right": float(p[:n_right].sum() / p.sum()),
        "chance": prompt.chance,
        "right": prompt.candidates[right],
        "wrong": prompt.candidates[wrong],
        "log_probability_right": float(log_p[right]),
        "log_probability_wrong": float(log_p[wrong]),
    }


def _candidate_rows(prompt: Prompt, log_p: np.ndarray) -> list[dict[str, object]]:
    p = np.exp(log_p - log_p.max())
    return [
        {
            "id": prompt.id,
            "category": prompt.category,
            "continuation": candidate,
            "right": number < len(prompt.right),
            "log_probability": float(log_p[number]),
            "log_probability_per_byte": float(log_p[number]) / len(f" {candidate}".encode()),
            "p": float(p[number] / p.sum()),
        }
        for number, candidate in enumerate(prompt.candidates)
    ]


def _accuracy(
    name: str, prompts: Sequence[Prompt], rows: Sequence[dict[str, object]], seed: int
) -> list[dict[str, object]]:
    categories = list(dict.fromkeys(prompt.category for prompt in prompts))
    found = []
    for category in [*categories, ALL] if len(categories) > 1 else categories:
        some = [
            (prompt, row)
            for prompt, row in zip(prompts, rows, strict=True)
            if category in (prompt.category, ALL)
        ]
        answered = float(sum(bool(row["answered"]) for _, row in some))
        low, high = wilson_interval(np.array([answered]), np.array([float(len(some))]))
        groups = list(dict.fromkeys(frozenset(prompt.candidates) for prompt, _ in some))
        sums, counts = np.zeros(len(groups)), np.zeros(len(groups))
        for prompt, row in some:
            place = groups.index(frozenset(prompt.candidates))
            sums[place] += float(str(row["p_right"]))
            counts[place] += 1
        p_low, p_high = block_bootstrap(np.divide, sums, counts, seed=seed)
        found.append(
            {
                "model": name,
                "category": category,
                "prompts": len(some),
                "accuracy": answered / len(some),
                "low": low[0],
                "high": high[0],
                "chance": float(np.mean([prompt.chance for prompt, _ in some])),
                "p_right": sums.sum() / counts.sum(),
                "p_right_low": float(p_low),
                "p_right_high": float(p_high),
            }
        )
    return found

"""ROUGE-2: pairs per second beside the package ``rouge-score``; stories per second of the index.

    python tests/benchmarks/rouge_speed.py [--train FILE] [--rounds 5] [--out FILE.json]

Three tasks, each on the bundled stories, cut at ``<|endoftext|>``:

- apart: 200 pairs of stories, each story in one pair, as a completion is compared with its
  original. Both start with nothing known: ours has no word numbered and no word stemmed.
- together: 40 stories, each with each other, as for the largest F among completions.
- index: the most similar story of ``--train`` (the bundled stories if left out) for each of 100
  stories, read from the file as ``--against`` reads it. ``rouge-score`` does not do this; its time
  for as many pairs is extrapolated from its rate on pairs apart, and ours to 2 million stories from
  the rate on the file.

Seconds are of the processor, which works on one thread here, so that other work on the machine
does not count. Rounds alternate between the two, the median counts; 5 times the pairs per second is
asked for. The values of both are compared first, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

from rouge_score.rouge_scorer import RougeScorer

from tinyinterp.evaluation.rouge import Rouge, WordNumbers, compare
from tinyinterp.evaluation.rouge_index import RougeIndex
from tinyinterp.text.source import bundled_stories
from tinyinterp.text.stories import read_stories

ASKED = 5.0  # times the pairs per second
APART, TOGETHER, INDEXED = 200, 40, 100
WHOLE = 2_000_000  # stories of a training set


def theirs(pairs: list[tuple[str, str]]) -> list[Rouge]:
    """Every pair by ``rouge-score``."""
    scorer = RougeScorer(["rouge2"], use_stemmer=True)
    return [Rouge(*scorer.score(target, text)["rouge2"]) for target, text in pairs]


def ours(pairs: list[tuple[str, str]]) -> list[Rouge]:
    """Every pair by this package; each text is cut once."""
    words = WordNumbers()
    cut = {text: words.bigrams(text) for text in dict.fromkeys(sum(pairs, ()))}
    return [compare(cut[target], cut[text]) for target, text in pairs]


def seconds(work: Callable[[], object]) -> float:
    """How much processor time it takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def race(pairs: list[tuple[str, str]], rounds: int) -> dict[str, Any]:
    """Pairs per second of both, medians of alternating rounds."""
    if theirs(pairs) != ours(pairs):
        sys.exit("the values differ")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for taken, work in zip(times, (theirs, ours), strict=True):
            taken.append(seconds(lambda work=work: work(pairs)))
    a, b = (len(pairs) / statistics.median(taken) for taken in times)
    return {"pairs": len(pairs), "rouge_score": a, "tinyinterp": b, "times": b / a}


def search(texts: list[str], train: Path, rounds: int) -> dict[str, Any]:
    """Stories per second of the index, reading included."""
    index = RougeIndex(texts)
    index.search(texts[:1])  # compiles
    count = sum(1 for _ in read_stories(train))
    rate = count / statistics.median(
        [seconds(lambda: index.search(read_stories(train))) for _ in range(rounds)]
    )
    return {
        "texts": len(texts),
        "stories": count,
        "stories_per_second": rate,
        "minutes_for_2_million": WHOLE / rate / 60,
        "peak_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure, print, and exit with 1 if less than was asked for was reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, default=bundled_stories())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    stories = list(read_stories(bundled_stories(), separator="marks"))
    chosen = stories[: 2 * APART]
    found: dict[str, Any] = {
        "apart": race(list(zip(chosen[:APART], chosen[APART:], strict=True)), given.rounds),
        "together": race(list(permutations(stories[:TOGETHER], 2)), given.rounds),
        "index": search(stories[:INDEXED], given.train, min(given.rounds, 3)),
    }
    hours = WHOLE * INDEXED / found["apart"]["rouge_score"] / 3600
    found["index"]["hours_for_2_million_by_rouge_score"] = hours
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(min(found["apart"]["times"], found["together"]["times"]) < ASKED)


if __name__ == "__main__":
    main()

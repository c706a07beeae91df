"""ROUGE-2: pairs per second beside the package ``rouge-score``; stories per second of the index.

    python tests/benchmarks/rouge_speed.py [--train FILE] [--rounds 5] [--out FILE.json]

Three tasks, each on the bundled stories, cut at ``<|endoftext|>``:

- apart: 200 pairs of stories, each story in one pair, as a completion is compared with its
  original. Both start with nothing known: ours has no word numbered and no word stemmed.
- together: 40 stories, each with each other, as for the largest F among completions.
- index: the most similar story of ``--train`` (the bundled stories if left out) for each of 100
  stories, read from the file as ``--against`` reads it, extrapolated to 2 million stories.

Seconds are of the processor, which works on one thread here, so that other work on the machine
does not count. Rounds alternate between the two, the median counts; 5 times the pairs per second is
asked for. The values of both are compared first, bit for bit.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

from measured import Row, ratio, report
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


def race(what: str, pairs: list[tuple[str, str]], rounds: int) -> list[Row]:
    """Pairs per second of both, in alternating rounds."""
    if theirs(pairs) != ours(pairs):
        sys.exit("the values differ")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for taken, work in zip(times, (theirs, ours), strict=True):
            taken.append(seconds(lambda work=work: work(pairs)))
    peer, own = times
    return [
        Row(f"{what}: rouge-score", "pairs/s", tuple(len(pairs) / taken for taken in peer)),
        Row(f"{what}: tinyinterp", "pairs/s", tuple(len(pairs) / taken for taken in own)),
        ratio(f"{what}: beside rouge-score", peer, own, f"at least {ASKED:g}"),
    ]


def search(texts: list[str], train: Path, rounds: int) -> list[Row]:
    """Stories per second of the index, reading included."""
    index = RougeIndex(texts)
    index.search(texts[:1])  # compiles
    count = sum(1 for _ in read_stories(train))
    times = [seconds(lambda: index.search(read_stories(train))) for _ in range(rounds)]
    rates = tuple(count / taken for taken in times)
    return [
        Row(f"index: {len(texts)} texts against {count:,} stories", "stories/s", rates),
        Row("index: against 2 million", "min", tuple(WHOLE / rate / 60 for rate in rates)),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--train", type=Path, default=bundled_stories())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    stories = list(read_stories(bundled_stories(), separator="marks"))
    chosen = stories[: 2 * APART]
    rows = [
        *race("apart", list(zip(chosen[:APART], chosen[APART:], strict=True)), given.rounds),
        *race("together", list(permutations(stories[:TOGETHER], 2)), given.rounds),
        *search(stories[:INDEXED], given.train, min(given.rounds, 3)),
    ]
    about = (
        f"By processor time. *Apart*: {APART} pairs of stories, each story in one pair. "
        f"*Together*: {TOGETHER} stories, each with each other. *Index*: the most similar story "
        "for each text."
    )
    report("ROUGE-2", about, rows, given.out)


if __name__ == "__main__":
    main()

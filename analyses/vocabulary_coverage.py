"""How much of a text the k most frequent tokens cover: tokens, words and bytes.

    python -m analyses.vocabulary_coverage --text FILE

The first document kept 8,000 and 10,000 of GPT-2's tokens. GPT-2's tokenizer does not come with
this project, so a byte-level BPE of 12,288 tokens is trained on the same text; it fits the text
better than GPT-2's does.
"""

from __future__ import annotations

from itertools import accumulate, islice

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from analyses import published
from analyses.inputs import Inputs
from analyses.study import Made, Row, Study
from tinyinterp.text.reduction import count_tokens, coverage
from tinyinterp.text.source import open_stories
from tinyinterp.text.tokenizer import Tokenizer
from tinyinterp.views import style

VOCABULARY = 12_288
SIZES = (1_000, 2_000, 4_000, 8_000, 10_000)
STORIES = 20_000


def measure(inputs: Inputs) -> Made:
    """Count; all of the text that is read is counted, so there is no interval."""
    stories = open_stories(inputs.text)
    tokenizer = Tokenizer.train(islice(stories.read(), inputs.limit), VOCABULARY)
    counts = count_tokens(tokenizer, islice(stories.read(), inputs.limit))
    ranked = counts.tokens.most_common()
    pieces = (len(tokenizer.decode([token]).encode()) * n for token, n in ranked)
    sizes = list(accumulate(pieces))
    rows: list[Row] = []
    for row in coverage(counts, SIZES):
        last = min(row["n_vocab"] - 1, len(sizes)) - 1  # end-of-text is one of them
        known = published.COVERAGE.get(row["n_vocab"])
        rows.append(row | {"bytes": sizes[last] / sizes[-1], "published_words": known})
    notes = {"tokenizer": f"BPE trained on the text, {tokenizer.n_vocab:,} tokens"}
    notes |= {"source": published.COVERAGE_SOURCE}
    return Made(rows, "none: the whole text is counted", draw(rows), notes)


def draw(rows: list[Row]) -> Figure:
    """The share that is not covered, by the size of the vocabulary."""
    with style.settings():
        figure = Figure(figsize=(5, 3.4), facecolor="white", layout="constrained")
        axes = figure.subplots()
        at = [row["n_vocab"] for row in rows]
        for colour, what in zip(style.LINE_COLOURS, ("tokens", "words", "bytes"), strict=False):
            axes.plot(at, [1 - row[what] for row in rows], "o-", color=colour, label=what)
        axes.plot(
            list(published.COVERAGE), [1 - share for share in published.COVERAGE.values()],
            "x", color=style.INK, label="words, published",
        )  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="tokens kept", ylabel="share not covered")
        axes.set_xticks(at, [f"{size:,}" for size in at], fontsize=7)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(lambda value, _position: f"{value:.3%}")
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


STUDY = Study(
    "vocabulary_coverage", "what the most frequent tokens cover of a text", measure,
    texts=("text",), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()

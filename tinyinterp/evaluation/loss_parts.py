"""Loss by position and by part of speech, with intervals over blocks of stories.

A position is how many tokens of the story the model has read before, the start token aside; where a
story is longer than the context, that is counted in the window in which a token is scored. A tag
stands for the words of one part of speech: whole words and starts of words are counted with it,
as elsewhere in this project; the tokens that continue a word have a row of their own, and so have
those that belong to no word or to several. The rows of a table hold every scored token once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

import numpy as np
from jaxtyping import Int

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.evaluation.loss import STORIES_AT_ONCE, score_windows, story_windows
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.model import AnyModel
from tinyinterp.statistics import block_bootstrap
from tinyinterp.tagging.alignment import Part, align
from tinyinterp.tagging.reader import TagReader
from tinyinterp.text.pieces import Encoding
from tinyinterp.text.sequences import N_BLOCKS, side_and_block

By = Literal["position", "tag"]
CONTINUED, NO_WORD = "(inside a word)", "(no word, or several)"


def measure_loss_by(
    model: AnyModel,
    stories: Iterable[str],
    by: By,
    *,
    tags: TagReader | None = None,
    report: Progress | None = None,
) -> Table:
    """Nats per token by position or by part of speech.

    Args:
        model: an open decoder or compressor.
        stories: their texts, read as they come.
        by: ``position``, in bins that double, or ``tag``.
        tags: what tags the words; None: the default tagger with universal tags.
        report: advances by the UTF-8 bytes of the stories.

    Returns:
        A row for each bin or tag: ``tokens``, their ``share``, ``nats_per_token`` with a 95 %
        interval from a bootstrap over 64 blocks of stories. Without two blocks there is none.

    Raises:
        CorpusError: there is no token to score.
        SelectionError: ``by`` is neither.
    """
    if by not in ("position", "tag"):
        raise SelectionError(f"by is {by!r}; choose position or tag")
    tags, n_ctx = tags or TagReader(), model.config.n_ctx
    names = _bins(n_ctx) if by == "position" else [*tags.tag_set.names, CONTINUED, NO_WORD]
    nats, counts = np.zeros((N_BLOCKS, len(names))), np.zeros((N_BLOCKS, len(names)))
    front = len(model.tokenizer.front)
    iterator = iter(stories)
    while chunk := list(islice(iterator, STORIES_AT_ONCE)):
        windows, about = [], []
        for story, encoding in zip(chunk, model.tokenizer.encode_batch(chunk), strict=True):
            tokens = [*model.tokenizer.front, *encoding.ids]
            rows = None if by == "position" else _tag_rows(tags, story, encoding, front)
            block, seen = side_and_block(story)[1], 1
            for window in story_windows(tokens, n_ctx):
                windows.append(window)
                scored = len(window.tokens) - window.first
                place = np.arange(window.first, len(window.tokens)) - front
                key = _bin(place) if rows is None else rows[seen : seen + scored]
                about.append((block, key))
                seen += scored
        for number, of_tokens in score_windows(model.network, windows):
            block, key = about[number]
            nats[block] += np.bincount(key, of_tokens, len(names))
            counts[block] += np.bincount(key, minlength=len(names))
        if report is not None:
            report.advance(sum(len(story.encode("utf-8", "replace")) for story in chunk))
    if not counts.any():
        raise CorpusError("there is no story to measure the loss on; give at least one")
    notes = {"by": by, "model": model.name, "fingerprint": model.fingerprint}
    notes |= {"tagger": tags.tagger.name} if by == "tag" else {}
    return Table(f"loss_by_{by}", list(_rows(by, names, nats, counts)), notes=notes)


def _rows(
    by: str, names: list[str], nats: np.ndarray, counts: np.ndarray
) -> Iterator[dict[str, object]]:
    low, high = block_bootstrap(np.divide, nats, counts)
    total = counts.sum()
    for number, name in enumerate(names):
        n_tokens = counts[:, number].sum()
        if not n_tokens:
            continue
        enough = (counts[:, number] > 0).sum() >= 2
        yield {
            by: name,
            "tokens": int(n_tokens),
            "share": n_tokens / total,
            "nats_per_token": nats[:, number].sum() / n_tokens,
            "low": low[number] if enough else math.nan,
            "high": high[number] if enough else math.nan,
        }


def _bin(position: Int[np.ndarray, " token"]) -> Int[np.ndarray, " token"]:
    """0, 1, 2-3, 4-7, ..."""
    return np.where(position > 0, np.log2(np.maximum(position, 1)).astype(np.int64) + 1, 0)


def _bins(n_ctx: int) -> list[str]:
    bounds = [2**power for power in range(int(math.log2(n_ctx)) + 1)]
    return ["0", "1", *(f"{low}-{2 * low - 1}" for low in bounds[1:])]


def _tag_rows(
    tags: TagReader, story: str, encoding: Encoding, front: int
) -> Int[np.ndarray, " position"]:
    """The row of each token of a story, its start token included."""
    words = tags.words(story)
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    number, parts = align(offsets, words.starts, words.ends)
    n_tags = len(tags.tag_set.names)
    scored = (parts == Part.WHOLE) | (parts == Part.START)
    own = np.append(words.tags, -1)[number]
    rows = np.where(parts == Part.CONTINUATION, n_tags, n_tags + 1)
    rows = np.where(scored & (own >= 0), own, rows)
    return np.concatenate([np.full(front, n_tags + 1), rows])

"""Cut a byte-level BPE down to its most frequent tokens on a corpus.

A small model of simple stories spends most of its parameters on tokens it never sees: GPT-2's
tokenizer has 50,257, and a few thousand of them cover almost all of TinyStories. Two ways:

``pieces``
    Nothing is lost. A removed token is split into kept ones, down to the 256 bytes. BPE builds a
    token by merges, so the tokens on the way to a kept one are kept, too; then every kept token is
    still what its text encodes to, because no removed merge takes part in it.
``unknown``
    The published way: every removed token is read as the same unknown token.

New ids run by falling frequency after end-of-text, which is 0; ties keep the order they had.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice, pairwise
from operator import itemgetter
from typing import Any, Literal

from tokenizers import Tokenizer as Backend

from tinyinterp.errors import TokenizerError
from tinyinterp.io.table import Table
from tinyinterp.text.pieces import byte_characters
from tinyinterp.text.tokenizer import Tokenizer

UNKNOWN = "<|unknown|>"  # the name under which "unknown" shows the rest
STORIES_AT_ONCE = 1024  # encoded in parallel

Rest = Literal["pieces", "unknown"]
Word = tuple[int, ...]  # the tokens of one word


@dataclass(frozen=True)
class TokenCounts:
    """How often each word of a corpus occurs; a word is what the tokenizer never merges across.

    For GPT-2 that is letters with the space before them, digits, or punctuation.
    """

    words: Counter[Word]

    @cached_property
    def tokens(self) -> Counter[int]:
        """How often each token occurs."""
        counts: Counter[int] = Counter()
        for word, count in self.words.items():
            for token in word:
                counts[token] += count
        return counts


@dataclass(frozen=True)
class Reduction:
    """A reduced tokenizer and where its tokens came from."""

    tokenizer: Tokenizer
    kept: tuple[int, ...]  # old id of each new id; with "unknown" the last new id has none
    steps: int  # tokens kept only because others are built through them


@dataclass(frozen=True)
class Coverage:
    """What the ``n_vocab`` most frequent tokens (end-of-text among them) cover of a corpus."""

    n_vocab: int
    tokens: float  # share of token occurrences that are kept tokens
    words: float  # share of word occurrences of which every token is kept


def count_tokens(tokenizer: Tokenizer, stories: Iterable[str]) -> TokenCounts:
    """Count words by their tokens, streaming: memory grows with different words, not with stories.

    Raises:
        TokenizerError: ``tokenizer`` reads rare tokens as unknown, so they cannot be counted.
    """
    _check_lossless(tokenizer)
    words: Counter[Word] = Counter()
    remaining = iter(stories)
    while batch := list(islice(remaining, STORIES_AT_ONCE)):
        for encoding in tokenizer.backend.encode_batch(batch, add_special_tokens=False):
            pairs = zip(encoding.ids, encoding.word_ids, strict=True)
            words.update(
                tuple(map(itemgetter(0), word)) for _, word in groupby(pairs, itemgetter(1))
            )
    return TokenCounts(words)


def coverage(counts: TokenCounts, n_vocabs: Sequence[int]) -> Table:
    """Share of token and of word occurrences that the most frequent tokens cover.

    Args:
        n_vocabs: sizes to try, end-of-text included in each.

    Raises:
        TokenizerError: nothing was counted, or a size is below 1.
    """
    if not counts.words:
        raise TokenizerError("no token was counted; give a text that is not empty")
    if min(n_vocabs) < 1:
        raise TokenizerError(f"a vocabulary of {min(n_vocabs)} tokens covers nothing; ask for more")
    order = _by_frequency(counts)
    rank = {token: r for r, token in enumerate(order, start=1)}  # rank 0: end-of-text
    rarest: Counter[int] = Counter()  # words by the rank of their rarest token
    for word, count in counts.words.items():
        rarest[max(rank[token] for token in word)] += count
    rows = [
        Coverage(
            n_vocab=size,
            tokens=sum(counts.tokens[t] for t in order[: size - 1]) / counts.tokens.total(),
            words=sum(n for r, n in rarest.items() if r < size) / counts.words.total(),
        )
        for size in n_vocabs
    ]
    return Table("coverage", rows, notes={"words": counts.words.total()})


def reduce(
    tokenizer: Tokenizer, counts: TokenCounts, n_vocab: int, *, rest: Rest = "pieces"
) -> Reduction:
    """Keep the most frequent tokens: ``n_vocab`` in all, the unknown one included.

    Pre-tokenizer, decoder and, if it is byte-level, post-processor stay as they are; a
    post-processor that would add special tokens is left out, and so are added tokens that are not
    kept.

    Args:
        counts: from :func:`count_tokens` with the same tokenizer.
        rest: how the removed tokens are read, see the head of this module.

    Raises:
        TokenizerError: not a byte-level BPE, or ``n_vocab`` is more than the corpus uses or less
            than what must be kept.
    """
    _check_lossless(tokenizer)
    spec = json.loads(tokenizer.backend.to_str())
    bpe = _Merges(spec["model"])
    names = {token: name for name, token in tokenizer.backend.get_vocab().items()}
    order = [token for token in _by_frequency(counts) if token != tokenizer.end_of_text]
    if rest == "unknown":
        chosen = {tokenizer.end_of_text, *order[: max(0, n_vocab - 2)]}
        needed, steps = 2, 0
        filled = len(chosen) + 1
    else:
        base = {tokenizer.end_of_text, *bpe.bytes()}
        chosen, steps = _with_steps(base, order, n_vocab, names, bpe)
        needed, filled = len(base), len(chosen)
    _check_size(n_vocab, needed, filled)
    frequency = {token: r for r, token in enumerate(order)}
    kept = [tokenizer.end_of_text]
    kept += sorted(
        chosen - {tokenizer.end_of_text}, key=lambda t: (frequency.get(t, len(order)), t)
    )
    vocabulary = [names[token] for token in kept]
    if rest == "unknown":
        vocabulary.append(UNKNOWN)
        vocabulary += [names[token] for token in sorted(set(names) - chosen)]
    backend = Backend.from_str(json.dumps(_rewritten(spec, vocabulary)))
    unknown_from = len(kept) if rest == "unknown" else None
    reduced = Tokenizer(backend, names[tokenizer.end_of_text], unknown_from)
    return Reduction(reduced, tuple(kept), steps)


class _Merges:
    """The merges of a byte-level BPE, and how they build a token."""

    def __init__(self, model: dict[str, Any]) -> None:
        alphabet = byte_characters().values()
        if model["type"] != "BPE" or any(char not in model["vocab"] for char in alphabet):
            raise TokenizerError(
                f"the tokenizer ({model['type']}) is not a byte-level BPE; "
                "only those of the GPT-2 kind can be reduced"
            )
        self.vocab: dict[str, int] = model["vocab"]
        pairs = [_pair(merge) for merge in model["merges"]]
        self.rank = {pair: r for r, pair in enumerate(pairs)}

    def bytes(self) -> Iterator[int]:
        """Ids of the 256 single bytes."""
        return (self.vocab[char] for char in byte_characters().values())

    def steps_to(self, name: str) -> list[int]:
        """Tokens that arise while ``name`` is merged from its bytes, in order, itself the last.

        Empty if merging does not end in the token (it is matched whole, not merged).
        """
        parts, steps = list(name), []
        while len(parts) > 1:
            ranked = [
                (self.rank[pair], at)
                for at, pair in enumerate(pairwise(parts))
                if pair in self.rank
            ]
            if not ranked:
                return []
            _, at = min(ranked)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            steps.append(self.vocab[parts[at]])
        return steps


def _with_steps(
    base: set[int], order: Sequence[int], n_vocab: int, names: dict[int, str], bpe: _Merges
) -> tuple[set[int], int]:
    """Tokens by frequency, each after the steps towards it, until ``n_vocab`` are chosen.

    The last of them may be steps towards a token that no longer fits. Returns at most
    ``n_vocab`` tokens (more only if ``base`` has more), and how many are there only as steps.
    """
    chosen, wanted = set(base), set(base)
    for token in order:
        if len(chosen) >= n_vocab:
            break
        missing = [t for t in (*bpe.steps_to(names[token]), token) if t not in chosen]
        chosen.update(missing[: n_vocab - len(chosen)])
        wanted.add(token)
    return chosen, len(chosen - wanted)


def _rewritten(spec: dict[str, Any], vocabulary: Sequence[str]) -> dict[str, Any]:
    """``tokenizer.json`` for ``vocabulary``, with only the merges that stay inside it."""
    new = {name: token for token, name in enumerate(vocabulary)}
    model, post = spec["model"], spec["post_processor"]
    merges = [
        merge
        for merge in model["merges"]
        if all(part in new for part in (*_pair(merge), "".join(_pair(merge))))
    ]
    added = [a | {"id": new[a["content"]]} for a in spec["added_tokens"] if a["content"] in new]
    return spec | {
        "added_tokens": sorted(added, key=itemgetter("id")),
        "post_processor": post if post and post["type"] == "ByteLevel" else None,
        "model": model | {"vocab": new, "merges": merges},
    }


def _pair(merge: str | list[str]) -> tuple[str, str]:
    """The two parts of a merge, which older files write as one string."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _by_frequency(counts: TokenCounts) -> list[int]:
    return sorted(counts.tokens, key=lambda token: (-counts.tokens[token], token))


def _check_lossless(tokenizer: Tokenizer) -> None:
    if tokenizer.unknown_from is not None:
        raise TokenizerError(
            "the tokenizer was already reduced with an unknown token; start from the original"
        )


def _check_size(n_vocab: int, needed: int, filled: int) -> None:
    if n_vocab < needed:
        raise TokenizerError(
            f"a vocabulary of {n_vocab} cannot hold what must be kept; ask for at least {needed}"
        )
    if filled < n_vocab:
        raise TokenizerError(
            f"the text uses enough tokens for a vocabulary of {filled}, {n_vocab} were asked for; "
            "give more text or ask for fewer"
        )

"""The inner loop of the search for the most similar story, compiled."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled


@compiled
@no_type_check
def search_batch(
    words, ends, own, numbers, firsts, seconds, starts, texts, counts, common, totals, best
):
    """Compare a batch of stories with every text of the index; see :mod:`.rouge_index`.

    Args:
        words: the numbers of the words of all stories, one story after the other; -1: in no text.
        ends: [story], where each ends in ``words``.
        own: [story], the text that it is not compared with; -1: none.
        numbers: [story], of each within the file.
        firsts: [word + 1], where the bigrams that begin with a word lie.
        seconds: [bigram], their second word, ascending within a first word.
        starts: [bigram + 1], where the texts that hold a bigram lie.
        texts: the texts that hold each bigram.
        counts: how often each of them does.
        common: [bigram], whether many texts hold it.
        totals: [text], its bigrams.
        best: [text, 4], changed: shared bigrams, bigrams of the story, number of the story, its
            place in the batch or -1 if it was in an earlier one.

    Returns:
        For how many stories the common bigrams were not looked at, since no text could gain.
    """
    n_texts = len(totals)
    shared = np.zeros(n_texts, np.int64)
    seen = np.zeros(len(seconds), np.int64)
    largest = np.zeros(len(seconds), np.int64)
    for bigram in range(len(seconds)):
        for at in range(starts[bigram], starts[bigram + 1]):
            largest[bigram] = max(largest[bigram], counts[at])
    longest = 0
    begin = 0
    for story in range(len(ends)):
        longest = max(longest, ends[story] - begin)
        begin = ends[story]
    touched = np.zeros(longest + 1, np.int64)
    later = np.zeros(longest + 1, np.int64)
    times = np.zeros(longest + 1, np.int64)
    pruned = 0
    begin = 0
    for story in range(len(ends)):
        end = ends[story]
        total = max(end - begin - 1, 0)
        n_touched = n_later = 0
        shared[:] = 0
        for at in range(begin, end - 1):
            first, second = words[at], words[at + 1]
            if first < 0 or second < 0:
                continue
            low, high = firsts[first], firsts[first + 1]
            while low < high:
                middle = (low + high) // 2
                if seconds[middle] < second:
                    low = middle + 1
                else:
                    high = middle
            if low == firsts[first + 1] or seconds[low] != second:
                continue
            if seen[low] == 0:
                touched[n_touched] = low
                n_touched += 1
            seen[low] += 1
            if seen[low] > largest[low]:
                continue
            if common[low]:
                later[n_later] = low
                times[n_later] = seen[low]
                n_later += 1
            else:
                _share(low, seen[low], starts, texts, counts, shared)
        for at in range(n_touched):
            seen[touched[at]] = 0
        begin = end
        hope = False
        for text in range(n_texts):
            if text == own[story]:
                continue
            most = min(shared[text] + n_later, totals[text])
            if most * (totals[text] + best[text, 1]) > best[text, 0] * (totals[text] + total):
                hope = True
                break
        if not hope:
            pruned += 1
            continue
        for at in range(n_later):
            _share(later[at], times[at], starts, texts, counts, shared)
        for text in range(n_texts):
            if text == own[story]:
                continue
            gain = shared[text] * (totals[text] + best[text, 1])
            if gain > best[text, 0] * (totals[text] + total):
                best[text, 0] = shared[text]
                best[text, 1] = total
                best[text, 2] = numbers[story]
                best[text, 3] = story
    return pruned


@compiled
@no_type_check
def _share(bigram, time, starts, texts, counts, shared):
    """Count an occurrence of a bigram for the texts that hold it at least as often."""
    for at in range(starts[bigram], starts[bigram + 1]):
        if counts[at] >= time:
            shared[texts[at]] += 1

"""The inner loop of the search for the most similar story, compiled."""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled


@compiled
@no_type_check
def search_batch(words, ends, own, numbers, firsts, seconds, starts, texts, counts, totals, best):
    """Compare a batch of stories with every text of the index.

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
        totals: [text], its bigrams.
        best: [text, 4], changed: shared bigrams, bigrams of the story, number of the story, its
            place in the batch.
    """
    shared = np.zeros(len(totals), np.int64)
    seen = np.zeros(len(seconds), np.int64)  # how often the story had each bigram up to here
    touched = np.zeros(len(words) + 1, np.int64)
    begin = 0
    for story in range(len(ends)):
        end = ends[story]
        total = max(end - begin - 1, 0)
        n_touched = 0
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
            touched[n_touched] = low
            n_touched += 1
            seen[low] += 1
            for holder in range(starts[low], starts[low + 1]):
                if counts[holder] >= seen[low]:
                    shared[texts[holder]] += 1
        for at in range(n_touched):
            seen[touched[at]] = 0
        begin = end
        for text in range(len(totals)):
            # F is 2 shared / (bigrams of both); the larger of two fractions, in whole numbers.
            gain = shared[text] * (totals[text] + best[text, 1])
            if text != own[story] and gain > best[text, 0] * (totals[text] + total):
                best[text, 0] = shared[text]
                best[text, 1] = total
                best[text, 2] = numbers[story]
                best[text, 3] = story

"""The inner loops of the search for rules and of their scores, compiled.

See :mod:`tinyinterp.compiled`: each does the neurons from ``first`` up to ``last``, and what comes
out for a neuron never depends on the others.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled

UNSEEN = -1  # a pattern that no hit of the neuron has had so far
TOO_RARE = -2  # one that has too few hits to be a candidate


@compiled
@no_type_check
def choose(
    at, starts, rows, sequences, costs, forms, n_forms, hit_starts, hit_rows, limits, support,
    spread, most, rounds, chosen, outcome, first, last,
):  # fmt: skip
    """Choose patterns for each neuron so that the F1 of their union is high.

    Greedily: again and again the one that raises it most. Then each is given up in turn for the one
    that is best beside the others, which may be none; in the end they are put into the order in
    which greed takes them. Of equal patterns the plainest, whose number is the smallest, is taken.

    What is kept of a pattern lies at its *number for the neuron*, side by side with that of the
    neuron's other patterns, since they are gone through once for every choice.

    Args:
        at: [row form], the pattern that ends at a row, below 0: none.
        starts: where the rows of each pattern start in ``rows``.
        sequences: [row], the number of a row's sequence; rows of one follow one another.
        costs: [form], false alarms that a pattern is charged with in advance.
        forms: [pattern], its form.
        n_forms: only patterns of the first ``n_forms`` forms are considered.
        hit_starts: where the hits of each neuron start in ``hit_rows``, ascending.
        limits: [neuron], rows from here on are not looked at.
        support: hits that a pattern must have.
        spread: sequences that these must be from.
        most: [neuron], patterns that may be chosen.
        rounds: how often each is given up in turn, at most.
        chosen: [neuron choice], what was chosen, in this order; filled up by -1.
        outcome: [neuron two], hits that these claim; rows that they claim, their cost and all hits.
            Twice the first by the second is F1, but for the cost.
    """
    n_patterns = len(starts) - 1
    numbers = np.full(n_patterns, UNSEEN, np.int32)
    patterns = np.empty(n_patterns, np.int32)  # by number, as all that follows
    hits = np.empty(n_patterns, np.int64)  # that the patterns chosen so far do not cover
    claims = np.empty(n_patterns, np.int64)  # rows that these do not cover, and the cost
    everything = np.arange(n_patterns)
    covered = np.zeros(len(at), np.int32)  # by how many patterns
    is_hit = np.zeros(len(at), np.int32)
    state = np.empty(2, np.int64)  # F1 = 2 right / claimed, where hits count as claimed, too
    mine = np.empty(chosen.shape[1], np.int64)
    for neuron in range(first, last):
        own, limit = hit_rows[hit_starts[neuron] : hit_starts[neuron + 1]], limits[neuron]
        n_seen = _count(at, sequences, n_forms, own, numbers, patterns, hits, claims)
        n_candidates = 0
        for number in range(n_seen):
            pattern = patterns[number]
            numbers[pattern] = TOO_RARE
            if hits[number] >= support and claims[number] >= spread:
                numbers[pattern] = n_candidates
                # those that are too rare stay, behind the others: they are cleaned up with them
                patterns[number], patterns[n_candidates] = patterns[n_candidates], pattern
                hits[n_candidates] = hits[number]
                inside = rows[starts[pattern] : starts[pattern + 1]]
                in_reach = np.searchsorted(inside, limit)
                claims[n_candidates] = in_reach + costs[forms[pattern]]
                n_candidates += 1
        is_hit[own] = 1
        state[0], state[1] = 0, len(own)
        size = 0
        for turn in range(rounds + 1):
            while size < most[neuron]:
                best = _best(everything[:n_candidates], patterns, hits, claims, state)
                if best < 0:
                    break
                mine[size] = best
                size += 1
                _cover(at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims, state,
                       covered, is_hit, patterns[best], 1)  # fmt: skip
            changed, kept = False, 0
            for i in range(size if turn < rounds else 0):
                _cover(at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims, state,
                       covered, is_hit, patterns[mine[i]], -1)  # fmt: skip
                best = _best(everything[:n_candidates], patterns, hits, claims, state)
                changed |= best != mine[i]
                if best >= 0:
                    mine[kept] = best
                    kept += 1
                    _cover(at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims,
                           state, covered, is_hit, patterns[best], 1)  # fmt: skip
            if not changed:
                break
            size = kept
        for i in range(size):
            _cover(at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims, state,
                   covered, is_hit, patterns[mine[i]], -1)  # fmt: skip
        for i in range(size):
            best = _best(mine[i:size], patterns, hits, claims, state)
            if best < 0:  # it takes another beside it to be of use
                best = mine[i:size].min()
            for j in range(i, size):
                if mine[j] == best:
                    mine[i], mine[j] = best, mine[i]
            chosen[neuron, i] = patterns[best]
            _cover(at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims, state,
                   covered, is_hit, patterns[best], 1)  # fmt: skip
        outcome[neuron] = state
        is_hit[own] = 0
        for number in range(n_seen):
            numbers[patterns[number]] = UNSEEN
        for pattern in chosen[neuron, :size]:
            covered[rows[starts[pattern] : starts[pattern + 1]]] = 0


@compiled
@no_type_check
def _count(at, sequences, n_forms, own, numbers, patterns, hits, spread):
    """Number the patterns at a neuron's hits; count the hits of each, and their sequences."""
    n_seen = 0
    latest = np.empty(len(own) * n_forms, np.int32)  # sequence of each pattern's latest hit
    for row in own:
        for form in range(n_forms):
            pattern = at[row, form]
            if pattern >= 0:
                number = numbers[pattern]
                if number == UNSEEN:
                    number = n_seen
                    numbers[pattern], patterns[number] = number, pattern
                    hits[number], spread[number], latest[number] = 0, 0, -1
                    n_seen += 1
                hits[number] += 1
                if latest[number] != sequences[row]:
                    latest[number] = sequences[row]
                    spread[number] += 1
    return n_seen


@compiled
@no_type_check
def _best(among, patterns, hits, claims, state):
    """The number, of those ``among``, that raises F1 most; -1: none does."""
    best, best_right, best_claimed = -1, state[0], state[1]
    for number in among:
        right, claimed = state[0] + hits[number], state[1] + claims[number]
        gain = right * best_claimed - best_right * claimed
        if gain > 0 or (gain == 0 and best >= 0 and patterns[number] < patterns[best]):
            best, best_right, best_claimed = number, right, claimed
    return best


@compiled
@no_type_check
def _cover(
    at, starts, rows, costs, forms, n_forms, limit, numbers, hits, claims, state, covered, is_hit,
    pattern, sign,
):  # fmt: skip
    """Take the rows of a pattern off all candidates that have them; give them back at -1."""
    state[1] += sign * costs[forms[pattern]]
    for row in rows[starts[pattern] : starts[pattern + 1]]:
        if row >= limit:
            break
        before = covered[row]
        covered[row] = before + sign
        if before + min(sign, 0) == 0:  # the first to cover it, or the last
            state[0] += sign * is_hit[row]
            state[1] += sign
            for form in range(n_forms):
                other = at[row, form]
                if other >= 0 and numbers[other] >= 0:
                    claims[numbers[other]] -= sign
                    hits[numbers[other]] -= sign * is_hit[row]


@compiled
@no_type_check
def count_claims(
    values, rows, blocks, level, match_starts, matches, owner_starts, owners, hits, claimed, right,
    first, last,
):  # fmt: skip
    """Count by block the hits of each neuron, the rows that its patterns claim, and both at once.

    Args:
        values: [flat neuron], activations as they leave the model.
        rows: which rows of these count; the arrays after it have an entry for each.
        level: [neuron], from here on a row is a hit.
        match_starts: where the patterns that end at each row start in ``matches``.
        owner_starts: where the neurons of each pattern start in ``owners``, ascending.
        hits: [block neuron]; so are ``claimed`` and ``right``.
    """
    claims = np.zeros(last - first, np.uint8)
    for index in range(len(rows)):
        block = blocks[index]
        row, levels = values[rows[index], first:last], level[first:last]
        for pattern in matches[match_starts[index] : match_starts[index + 1]]:
            for owner in owners[owner_starts[pattern] : owner_starts[pattern + 1]]:
                if first <= owner < last and not claims[owner - first]:
                    claims[owner - first] = 1
                    claimed[block, owner] += 1
                    right[block, owner] += row[owner - first] >= levels[owner - first]
        for pattern in matches[match_starts[index] : match_starts[index + 1]]:
            for owner in owners[owner_starts[pattern] : owner_starts[pattern + 1]]:
                if first <= owner < last:
                    claims[owner - first] = 0
        _count_hits(hits[block, first:last], row, levels)


@compiled
@no_type_check
def _count_hits(counts, row, levels):
    for n in range(len(row)):
        counts[n] += np.int64(row[n] >= levels[n])

"""The order of a mixture: a pure function from row counts and a seed to an array of row numbers.

Nothing here knows datasets. Everything is vectorised, and uses whole numbers only, so the same input gives the same
order on every machine.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from video_sft.mixing.quotas import Quotas

__all__ = ["interleaved", "passes_over", "random_bits", "schedule"]

Rows = npt.NDArray[np.uint64]

#: Rows that share one random stream where a part is small: it keeps a million passes over three rows vectorised.
GROUP_ROWS = 65_536


def schedule(draws: Sequence[Rows], quotas: Quotas, *, num_rows: int | None = None) -> Rows:
    """Put the parts' rows into one order.

    Args:
        draws: for each part its row numbers in the order it gives them, `quotas.counts` of them; all distinct.
        quotas: how the parts share the order, and when it ends.
        num_rows: cut the order there.

    Returns:
        The row numbers of the mixture. While the same parts last, every window of W consecutive rows holds W times
        the part's share, give or take less than 3.4 rows (see `interleaved`); with parts that end at different times
        that holds between one end and the next.
    """
    rates = quotas.rates
    ends = np.divide(quotas.counts, rates, out=np.zeros(len(rates)), where=rates > 0)
    # Parts that are to end together differ in `ends` by the rounding of their counts alone.
    if quotas.stop is not None or len(draws) < 2 or float(ends.max() - ends.min()) <= 1e-9 * float(ends.max()):
        order = interleaved(draws)
    else:
        order = _in_phases(draws, quotas, ends)
    if quotas.stop is not None:
        reached = [
            int(np.flatnonzero(order == part[mark - 1])[0]) + 1
            for part, mark in zip(draws, quotas.marks, strict=True)
            if 0 < mark <= len(part)
        ]
        if reached:
            order = order[: min(reached) if quotas.stop == "any" else max(reached)]
    return order if num_rows is None else order[:num_rows]


def _in_phases(draws: Sequence[Rows], quotas: Quotas, ends: npt.NDArray[np.float64]) -> Rows:
    """Interleave parts that end at different times: evenly between one end and the next."""
    given = np.zeros(len(draws), dtype=np.int64)
    pieces = []
    for end in np.unique(ends):
        until = np.minimum(np.rint(quotas.rates * end).astype(np.int64), quotas.counts)
        until = np.where(ends <= end, quotas.counts, np.maximum(until, given))
        pieces.append(interleaved([part[a:b] for part, a, b in zip(draws, given, until, strict=True)]))
        given = until
    return np.concatenate(pieces)


def interleaved(sequences: Sequence[Rows]) -> Rows:
    """Merge sequences so that each is spread evenly over the result, keeping its own order.

    With lengths c(1) ... c(n) summing to N, the first m rows of the result hold m * c(i) / N rows of sequence i, give
    or take less than 1.68, and so any window of W rows holds W * c(i) / N, give or take less than 3.37. Sequences are
    merged in pairs, the two shortest first (a Huffman tree). In one merge of lengths a and b, the first m rows hold
    m * a / (a + b) of one and the rest of the other, rounded to the nearest: an error of at most 1/2. Below a node the
    error of its parent counts only with the node's share of the parent, so the error at a leaf of length w is at most
    1/2 * sum(w / length of v) over the nodes v from the leaf up to the child of the root. When two nodes are merged
    every other node is at least as long as either, so on the way up the lengths are at least w, w, 2w, 3w, 5w, 8w ...
    (Fibonacci), and 1/2 * (1 + 1 + 1/2 + 1/3 + 1/5 + 1/8 + ...) = 1.6799.

    Time is proportional to the total length times the depth of the tree, memory to the total length.
    """
    heap = [(len(sequence), position, sequence) for position, sequence in enumerate(sequences) if len(sequence)]
    if not heap:
        return np.empty(0, dtype=np.uint64)
    heapq.heapify(heap)
    position = len(sequences)
    while len(heap) > 1:
        _, _, shorter = heapq.heappop(heap)
        _, _, longer = heapq.heappop(heap)
        heapq.heappush(heap, (len(shorter) + len(longer), position, _merged(longer, shorter)))
        position += 1
    return heap[0][2]


def _merged(longer: Rows, shorter: Rows) -> Rows:
    """Merge two sequences: of the first m rows, m * len(shorter) / total come from the shorter, rounded to nearest."""
    total, few = len(longer) + len(shorter), len(shorter)
    # The k-th of the shorter (from 0) stands where that number first exceeds k: ceil((2k + 1) * total / (2 few)) - 1.
    places = np.arange(1, 2 * few, 2, dtype=np.int64)
    places *= total
    places -= 1
    places //= 2 * few
    rest = np.ones(total, dtype=bool)
    rest[places] = False
    merged = np.empty(total, dtype=np.uint64)
    merged[places] = shorter
    merged[rest] = longer
    return merged


def passes_over(size: int, count: int, *, key: str, shuffle: bool = True) -> Rows:
    """Return `count` row numbers of a part of `size` rows: pass after pass, each in a new order.

    Row r in pass k is the number `k * size + r`, so `divmod` by the size gives both back.

    Args:
        size: rows in the part, positive.
        count: rows to give; the last pass may be cut short.
        key: what the order depends on: seed and name of the part.
        shuffle: False gives every pass in the part's own order.

    The order is a sort by 64-bit numbers from PCG64, whose raw stream and seeding numpy keeps stable between versions
    (unlike `Generator.permutation`); the low bits are replaced by the row number, so no two are equal and the sorting
    algorithm does not matter.
    """
    numbers = np.arange(count, dtype=np.uint64)
    if not shuffle or size == 1:
        return numbers
    together = max(1, GROUP_ROWS // size)
    low = np.uint64((1 << (size - 1).bit_length()) - 1)
    for group, start in enumerate(range(0, count, together * size)):
        passes = min(together, -(-(count - start) // size))
        keys = np.asarray(random_bits(f"{key}/{group}").random_raw(passes * size)).reshape(passes, size)
        keys &= ~low
        keys |= np.arange(size, dtype=np.uint64)
        wanted = count - start
        if wanted < size:
            keys.partition(wanted - 1, axis=1)
            keys = np.ascontiguousarray(keys[:, :wanted])
        keys.sort(axis=1)
        keys &= low
        keys += np.arange(passes, dtype=np.uint64)[:, None] * np.uint64(size)
        keys += np.uint64(start)
        numbers[start : start + passes * size] = keys.reshape(-1)[:wanted]
    return numbers


def random_bits(key: str) -> np.random.PCG64:
    """Return the generator of raw 64-bit numbers that belongs to a key."""
    return np.random.PCG64(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), "little"))

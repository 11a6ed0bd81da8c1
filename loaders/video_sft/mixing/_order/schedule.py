"""The order of a mixture: a pure function from row counts and a seed to an array of row numbers.

Nothing here knows datasets. Everything is vectorised, and uses whole numbers only, so the same input gives the same
order on every machine.
"""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.mixing._order.quotas import Quotas

__all__ = ["RowNumbers", "passes", "passes_over", "places_of", "random_bits", "schedule", "turns"]

RowNumbers = npt.NDArray[Any]
#: Which part each row of an order comes from: one byte a row, two where there are more than 256 parts.
PartNumbers = npt.NDArray[Any]

#: Rows that share one random stream where a part is small: it keeps a million passes over three rows vectorised.
GROUP_ROWS = 65_536
#: Rows that are looked at together, so that what is held besides the order itself stays small.
_BLOCK_ROWS = 1 << 22
#: 2**64 over the golden ratio: multiples of it are spread over the 64-bit numbers as evenly as can be.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def schedule(
    draws: Sequence[RowNumbers | Iterator[RowNumbers]],
    quotas: Quotas,
    *,
    num_rows: int | None = None,
    dtype: npt.DTypeLike = np.uint64,
) -> RowNumbers:
    """Put the parts' rows into one order, as row numbers, and cut it after `num_rows`.

    `draws` has for each part its row numbers in the order it gives them, at once or in pieces: `quotas.counts` of them.

    While the same parts last, every window of W consecutive rows holds W times the part's share, give or take less than
    3.4 rows (see `_turns`); with parts that end at different times that holds between one end and the next.
    """
    return _filled(turns(quotas)[:num_rows], draws, dtype)


def turns(quotas: Quotas) -> PartNumbers:
    """Return which part each row of a mixture comes from; see `schedule`."""
    lengths, rates = quotas.counts.tolist(), quotas.rates
    ends = np.divide(quotas.counts, rates, out=np.zeros(len(rates)), where=rates > 0)
    # Parts that are to end together differ in `ends` by the rounding of their counts alone.
    if quotas.stop is not None or len(lengths) < 2 or float(ends.max() - ends.min()) <= 1e-9 * float(ends.max()):
        merged = _turns(lengths)
    else:
        merged = _in_phases(quotas, ends)
    if quotas.stop is not None:
        reached = [
            int(np.flatnonzero(merged == part)[mark - 1]) + 1
            for part, (length, mark) in enumerate(zip(lengths, quotas.marks.tolist(), strict=True))
            if 0 < mark <= length
        ]
        if reached:
            merged = merged[: min(reached) if quotas.stop == "any" else max(reached)]
    return merged


def _in_phases(quotas: Quotas, ends: npt.NDArray[np.float64]) -> PartNumbers:
    """Interleave parts that end at different times: evenly between one end and the next."""
    given = np.zeros(len(quotas.counts), dtype=np.int64)
    phases = []
    for end in np.unique(ends):
        until = np.minimum(np.rint(quotas.rates * end).astype(np.int64), quotas.counts)
        until = np.where(ends <= end, quotas.counts, np.maximum(until, given))
        phases.append(_turns((until - given).tolist()))
        given = until
    return np.concatenate(phases)


def _turns(lengths: Sequence[int]) -> PartNumbers:
    """Return which of several sequences each row of their merger comes from, each spread evenly over it.

    With lengths c(1) ... c(n) summing to N, the first m rows of the result hold m * c(i) / N rows of sequence i, give
    or take less than 1.68, and so any window of W rows holds W * c(i) / N, give or take less than 3.37. Sequences are
    merged in pairs, the two shortest first (a Huffman tree). In one merge of lengths a and b, the first m rows hold
    m * a / (a + b) of one and the rest of the other, rounded to the nearest: an error of at most 1/2. Below a node the
    error of its parent counts only with the node's share of the parent, so the error at a leaf of length w is at most
    1/2 * sum(w / length of v) over the nodes v from the leaf up to the child of the root. When two nodes are merged
    every other node is at least as long as either, so on the way up the lengths are at least w, w, 2w, 3w, 5w, 8w ...
    (Fibonacci), and 1/2 * (1 + 1 + 1/2 + 1/3 + 1/5 + 1/8 + ...) = 1.6799.

    Time is proportional to the total length times the depth of the tree.
    """
    dtype = np.uint8 if len(lengths) <= 256 else np.uint16 if len(lengths) <= 1 << 16 else np.uint32
    heap = [
        (length, position, np.full(length, position, dtype=dtype)) for position, length in enumerate(lengths) if length
    ]
    if not heap:
        return np.empty(0, dtype=dtype)
    heapq.heapify(heap)
    position = len(lengths)
    while len(heap) > 1:
        _, _, shorter = heapq.heappop(heap)
        _, _, longer = heapq.heappop(heap)
        heapq.heappush(heap, (len(shorter) + len(longer), position, _merged(longer, shorter)))
        position += 1
    return heap[0][2]


def _merged(longer: PartNumbers, shorter: PartNumbers) -> PartNumbers:
    """Merge two sequences: of the first m rows, m * len(shorter) / total come from the shorter, rounded to nearest."""
    total, few = len(longer) + len(shorter), len(shorter)
    merged = np.empty(total, dtype=longer.dtype)
    rest = np.ones(total, dtype=bool)
    for start in range(0, few, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, few)
        # The k-th of the shorter (from 0) stands where that number first exceeds k: ceil((2k + 1) total / (2 few)) - 1.
        places = np.arange(2 * start + 1, 2 * stop, 2, dtype=np.int64)
        places *= total
        places -= 1
        places //= 2 * few
        rest[places] = False
        merged[places] = shorter[start:stop]
    taken = 0
    for start in range(0, total, _BLOCK_ROWS):
        mask = rest[start : start + _BLOCK_ROWS]
        count = int(np.count_nonzero(mask))
        merged[start : start + _BLOCK_ROWS][mask] = longer[taken : taken + count]
        taken += count
    return merged


def _filled(turns: PartNumbers, draws: Sequence[RowNumbers | Iterator[RowNumbers]], dtype: npt.DTypeLike) -> RowNumbers:
    """Return an order: each part's rows, in their own order, where it is the part's turn."""
    order = np.empty(len(turns), dtype=dtype)

    def fill(part: int) -> None:
        given = draws[part]
        pieces = iter([given]) if isinstance(given, np.ndarray) else given
        piece = np.empty(0, dtype=dtype)
        for start in range(0, len(turns), _BLOCK_ROWS):
            places = np.flatnonzero(turns[start : start + _BLOCK_ROWS] == part)
            block, done = order[start : start + _BLOCK_ROWS], 0
            while done < len(places):
                if not len(piece):
                    piece = next(pieces)
                    continue
                taken = piece[: len(places) - done]
                block[places[done : done + len(taken)]] = taken
                piece, done = piece[len(taken) :], done + len(taken)

    # Sorting, the costly step of what parts draw, leaves the interpreter free; the result does not depend on threads.
    with ThreadPoolExecutor(max(1, min(len(draws), os.cpu_count() or 1))) as pool:
        list(pool.map(fill, range(len(draws))))
    return order


def passes_over(size: int, count: int, *, key: str, shuffle: bool = True) -> RowNumbers:
    """Return `count` row numbers of a part of `size` rows: pass after pass, each in a new order; see `passes`."""
    return np.concatenate([np.empty(0, dtype=np.uint64), *passes(size, count, key=key, shuffle=shuffle)])


def passes(size: int, count: int, *, key: str, shuffle: bool = True) -> Iterator[RowNumbers]:
    """Yield `count` row numbers of a part of `size` rows in pieces: pass after pass, each in a new order.

    Row r in pass k is the number `k * size + r`, so `divmod` by the size gives both back. The last pass may be cut
    short. The order depends on `key`: seed and name of the part.

    The order is a sort by 64-bit numbers from PCG64, whose raw stream and seeding numpy keeps stable between versions
    (unlike `Generator.permutation`); the low bits are replaced by the row number, so no two are equal and the sorting
    algorithm does not matter.
    """
    if not shuffle or size == 1:
        for start in range(0, count, _BLOCK_ROWS):
            yield np.arange(start, min(start + _BLOCK_ROWS, count), dtype=np.uint64)
        return
    together = max(1, GROUP_ROWS // size)
    low = np.uint64((1 << (size - 1).bit_length()) - 1)
    for group, start in enumerate(range(0, count, together * size)):
        times = min(together, -(-(count - start) // size))
        keys = np.asarray(random_bits(f"{key}/{group}").random_raw(times * size)).reshape(times, size)
        keys &= ~low
        keys |= np.arange(size, dtype=np.uint64)
        wanted = count - start
        if wanted < size:
            keys.partition(wanted - 1, axis=1)
            keys = np.ascontiguousarray(keys[:, :wanted])
        keys.sort(axis=1)
        keys &= low
        keys += np.arange(times, dtype=np.uint64)[:, None] * np.uint64(size)
        keys += np.uint64(start)
        yield keys.reshape(-1)[:wanted]


def random_bits(key: str) -> np.random.PCG64:
    """Return the generator of raw 64-bit numbers that belongs to a key."""
    return np.random.PCG64(int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), "little"))


def places_of(turns: npt.NDArray[np.int64], rank: int, world_size: int, *, run: int = 0) -> npt.NDArray[np.int64]:
    """Return the place in the order that a rank takes in each of its turns, which ascend as the turns do.

    After t turns of all ranks exactly the first `t * world_size` places are taken. Who is first changes from turn to
    turn, because in an even mixture a fixed place would see some parts only (every other row of A B A B ... is A).
    With `run`, each takes so many places before it is the next one's turn, as workers of a loader take batches.
    """
    if run:
        batch, row = np.divmod(turns, run)
        return (batch * world_size + rank) * run + row
    # The upper half of the product is a fraction of 2**32; times the world size, its whole part is who begins.
    fraction = (turns.astype(np.uint64) * _GOLDEN) >> np.uint64(32)
    first = ((fraction * np.uint64(world_size)) >> np.uint64(32)).astype(np.int64)
    places: npt.NDArray[np.int64] = turns * world_size + (rank - first) % world_size
    return places

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
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from video_sft.mixing._order.quotas import Quotas

__all__ = ["Draws", "RowNumbers", "interleaved", "passes", "passes_over", "random_bits", "schedule", "turns"]

RowNumbers = npt.NDArray[Any]
#: Which part each row of an order comes from: one byte a row, two where there are more than 256 parts.
PartNumbers = npt.NDArray[Any]

#: Rows that share one random stream where a part is small: it keeps a million passes over three rows vectorised.
GROUP_ROWS = 65_536
#: Rows that are looked at together, so that what is held besides the order itself stays small.
_BLOCK_ROWS = 1 << 22


class Draws(Protocol):
    """A part's row numbers in the order it gives them, piece by piece, so that they need not be there all at once."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def pieces(self) -> Iterator[RowNumbers]:
        """Yield them."""
        ...


def schedule(
    draws: Sequence[RowNumbers | Draws],
    quotas: Quotas,
    *,
    num_rows: int | None = None,
    dtype: npt.DTypeLike = np.uint64,
) -> RowNumbers:
    """Put the parts' rows into one order.

    Args:
        draws: for each part its row numbers in the order it gives them, `quotas.counts` of them; all distinct.
        quotas: how the parts share the order, and when it ends.
        num_rows: cut the order there.
        dtype: of the row numbers.

    Returns:
        The row numbers of the mixture. While the same parts last, every window of W consecutive rows holds W times
        the part's share, give or take less than 3.4 rows (see `interleaved`); with parts that end at different times
        that holds between one end and the next.
    """
    return _filled(turns(quotas, [len(part) for part in draws])[:num_rows], draws, dtype)


def turns(quotas: Quotas, lengths: Sequence[int] | None = None) -> PartNumbers:
    """Return which part each row of a mixture comes from; see `schedule`.

    Args:
        quotas: how the parts share the order, and when it ends.
        lengths: rows of each part where they are other than `quotas.counts`.
    """
    lengths = quotas.counts.tolist() if lengths is None else lengths
    rates = quotas.rates
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


def interleaved(sequences: Sequence[RowNumbers | Draws]) -> RowNumbers:
    """Merge sequences so that each is spread evenly over the result, keeping its own order.

    With lengths c(1) ... c(n) summing to N, the first m rows of the result hold m * c(i) / N rows of sequence i, give
    or take less than 1.68, and so any window of W rows holds W * c(i) / N, give or take less than 3.37. Sequences are
    merged in pairs, the two shortest first (a Huffman tree). In one merge of lengths a and b, the first m rows hold
    m * a / (a + b) of one and the rest of the other, rounded to the nearest: an error of at most 1/2. Below a node the
    error of its parent counts only with the node's share of the parent, so the error at a leaf of length w is at most
    1/2 * sum(w / length of v) over the nodes v from the leaf up to the child of the root. When two nodes are merged
    every other node is at least as long as either, so on the way up the lengths are at least w, w, 2w, 3w, 5w, 8w ...
    (Fibonacci), and 1/2 * (1 + 1 + 1/2 + 1/3 + 1/5 + 1/8 + ...) = 1.6799.

    Time is proportional to the total length times the depth of the tree. What is merged is whose turn it is, a byte a
    row; the row numbers are put in their places once.
    """
    return _filled(_turns([len(sequence) for sequence in sequences]), sequences, np.uint64)


def _turns(lengths: Sequence[int]) -> PartNumbers:
    """Return which of several sequences each row of their merger comes from."""
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


def _filled(turns: PartNumbers, draws: Sequence[RowNumbers | Draws], dtype: npt.DTypeLike) -> RowNumbers:
    """Return an order: each part's rows, in their own order, where it is the part's turn."""
    order = np.empty(len(turns), dtype=dtype)

    def fill(part: int) -> None:
        given = draws[part]
        pieces = iter([given]) if isinstance(given, np.ndarray) else given.pieces()
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

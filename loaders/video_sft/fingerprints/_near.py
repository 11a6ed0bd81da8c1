"""Fingerprints compared: two of them, or all of many with all of many others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from video_sft.errors import ConfigError
from video_sft.fingerprints._hashing import BITS

__all__ = ["SAME_BITS", "FingerprintIndex", "differing_bits"]

#: Two fingerprints that differ in no more bits than these are taken to be of the same footage.
SAME_BITS = 24
#: Bands are no wider than this, so that they fit into a word with room to spare.
_WIDEST = 32
_WORD = 64
#: Pairs that are compared together.
_AT_ONCE = 4_000_000

Words = npt.NDArray[np.uint64]
#: One array of positions, one of positions among the others, and how many bits differ.
Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def differing_bits(one: str, other: str) -> int:
    """Return in how many of its 320 bits a fingerprint differs from another.

    Raises:
        ConfigError: one of them is no fingerprint.
    """
    first, second = _words([one, other])
    return int(_ones(first ^ second).sum())


class FingerprintIndex:
    """Many fingerprints, to find those that are near others.

    Two fingerprints that differ in at most `bits` differ by at most one bit in one of `bits // 2 + 1` bands they are
    cut into. So all pairs are found, and few others are looked at: 100,000 among 1,000,000 take about a minute.

    Args:
        fingerprints: as `fingerprint` returns them.
        bits: pairs that differ in more bits are not found.

    Raises:
        ConfigError: one is no fingerprint, or `bits` is not from 0 to 63.
    """

    def __init__(self, fingerprints: Sequence[str], *, bits: int = SAME_BITS) -> None:
        if not 0 <= bits < _WORD:
            raise ConfigError(f"bits is {bits}; fingerprints are compared up to 63 of their {BITS} bits")
        self._bits = bits
        self._known, self._place = np.unique(_words(fingerprints), axis=0, return_inverse=True)
        self._place = self._place.reshape(-1)
        edges = np.linspace(0, BITS, max(bits // 2 + 1, BITS // _WIDEST) + 1).round().astype(int).tolist()
        self._bands = list(itertools.pairwise(edges))

    def __len__(self) -> int:
        return len(self._place)

    def near(self, others: Sequence[str]) -> Pairs:
        """Return every pair of one of these fingerprints and one of some others that are near each other.

        Args:
            others: fingerprints; the index is best made of the larger of the two sets.

        Returns:
            Positions in `others`, positions in the index, and the bits that differ: int64 (N,) each, in that order.

        Raises:
            ConfigError: one is no fingerprint.
        """
        asked, place = np.unique(_words(others), axis=0, return_inverse=True)
        found = [np.zeros((0, 3), np.int64)]
        for begin, end in self._bands:
            for known, sought in self._alike(asked, begin, end):
                found.append(self._close(asked, known, sought))
        pairs = np.unique(np.concatenate(found), axis=0)
        pairs = _repeated(_repeated(pairs, 0, place.reshape(-1), len(asked)), 1, self._place, len(self._known))
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        return pairs[:, 0], pairs[:, 1], pairs[:, 2]

    def _alike(
        self, asked: Words, begin: int, end: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield positions, in these and in others, of those whose bits of a band are the same but for one."""
        order = np.argsort(keys := _band(self._known, begin, end), kind="stable")
        keys = keys[order]
        own = _band(asked, begin, end)
        turn = np.argsort(own, kind="stable")
        own = own[turn]
        for flip in (np.uint64(0), *(np.uint64(1) << np.arange(end - begin, dtype=np.uint64))):
            first = np.searchsorted(keys, own ^ flip, side="left")
            count = np.searchsorted(keys, own ^ flip, side="right") - first
            hit = np.flatnonzero(count)
            ends = np.cumsum(count[hit])
            step = 0
            while step < len(hit):
                done = int(ends[step - 1]) if step else 0
                last = max(step + 1, int(np.searchsorted(ends, done + _AT_ONCE, side="right")))
                chosen = hit[step:last]
                lengths = count[chosen]
                within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
                yield order[np.repeat(first[chosen], lengths) + within], np.repeat(turn[chosen], lengths)
                step = last

    def _close(
        self, asked: Words, known: npt.NDArray[np.int64], sought: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the pairs among some that are near each other, each with its bits."""
        differing = np.zeros(len(known), np.int64)
        for word in range(BITS // _WORD):
            differing += _ones(self._known[known, word] ^ asked[sought, word])
            kept = differing <= self._bits
            if not kept.all():
                known, sought, differing = known[kept], sought[kept], differing[kept]
        return np.stack([sought, known, differing], axis=1)


def _words(fingerprints: Sequence[str]) -> Words:
    """Return fingerprints as (N, 5) words, the first bit of each being the highest of the first word."""
    for text in fingerprints:
        if not isinstance(text, str) or len(text) != BITS // 4:
            raise ConfigError(f"{text!r:.100} is no fingerprint, which has {BITS // 4} hexadecimal digits")
    try:
        data = bytes.fromhex("".join(fingerprints))
    except ValueError as error:
        raise ConfigError(f"there is one that is no fingerprint, which has {BITS // 4} hexadecimal digits") from error
    return np.frombuffer(data, ">u8").astype(np.uint64).reshape(-1, BITS // _WORD)


def _band(words: Words, begin: int, end: int) -> Words:
    """Return the bits `begin` to `end - 1` of fingerprints as numbers."""
    width, (word, skipped) = np.uint64(end - begin), divmod(begin, _WORD)
    bits = words[:, word] << np.uint64(skipped)
    if skipped + (end - begin) > _WORD:
        bits |= words[:, word + 1] >> np.uint64(_WORD - skipped)
    return np.asarray(bits >> (np.uint64(_WORD) - width))


def _repeated(
    pairs: npt.NDArray[np.int64], column: int, place: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.int64]:
    """Put in the place of each different fingerprint all that are equal to it."""
    order, counts = np.argsort(place, kind="stable"), np.bincount(place, minlength=size)
    firsts, lengths = np.cumsum(counts) - counts, counts[pairs[:, column]]
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    several = np.repeat(pairs, lengths, axis=0)
    several[:, column] = order[firsts[several[:, column]] + within]
    return several


def _ones(words: Words) -> npt.NDArray[np.int64]:
    """Return how many bits of each word are set."""
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words), np.int64)
    by_part = _ONES[words.view(np.uint16).reshape(*words.shape, _WORD // 16)]  # NumPy 1
    return np.asarray(by_part.sum(axis=-1))


_ONES = np.array([number.bit_count() for number in range(1 << 16)], np.int64)

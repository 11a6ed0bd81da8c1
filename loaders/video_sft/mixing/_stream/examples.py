"""The examples of a streamed mixture: the parts' streams in the mixture's order, on every worker and rank.

`datasets` asks an examples iterable to split itself (`shard_data_sources`) among ranks and then among workers. A
mixture can split itself into any number of pieces, each with its exact share of every part's rows. There is no public
interface for this; what is used is the one that its own interleaving is written against (`_datasets.examples_base`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft._datasets import examples_base
from video_sft.mixing._order.quotas import Quotas
from video_sft.mixing._order.schedule import schedule
from video_sft.mixing._stream.part import Share, StreamPart, part_state, read_part

__all__ = ["MixedExamples"]

logger = logging.getLogger("video_sft.mixing")
_Base: Any = examples_base()

#: The number of pieces a mixture says it has. Its divisors, 1 to 16 and their products with powers of two, are the
#: world sizes for which `datasets` lets a rank read its own pieces only.
PIECES = 2**10 * 3**2 * 5 * 7 * 11 * 13


class MixedExamples(_Base):  # type: ignore[misc]
    """The rows of a streamed mixture, or of one piece of it.

    Args:
        parts: what is mixed.
        key: what the order depends on: the seed, and the epoch where one is set.
        shuffle: whether each part's rows come in a new order in every pass.
        together: whether all parts end at the same time, the shares holding to the end.
        piece: which piece this is.
        pieces: of how many.
    """

    _sleep_on_threads_shutdown = False  # asked for from datasets 5 on

    def __init__(
        self, parts: Sequence[StreamPart], *, key: str, shuffle: bool, together: bool, piece: int = 0, pieces: int = 1
    ) -> None:
        super().__init__()
        self._parts = tuple(parts)
        self._key = key
        self._shuffle = shuffle
        self._together = together
        self._piece = piece
        self._pieces = pieces

    @property
    def num_shards(self) -> int:
        """How many pieces it can be split into."""
        return PIECES

    def split_shard_indices_by_worker(self, num_shards: int, index: int, contiguous: bool = True) -> Sequence[int]:
        """Return the pieces of one worker; a range, since there are millions."""
        return range(index, PIECES, num_shards)

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> MixedExamples:
        """Return piece `index` of `num_shards`."""
        return self._like(piece=self._piece + self._pieces * index, pieces=self._pieces * num_shards)

    def shuffle_data_sources(self, generator: np.random.Generator) -> MixedExamples:
        """Return the mixture in another order: what `shuffle(seed)` and `set_epoch(epoch)` ask for."""
        return self._like(key=f"{self._key}/{deepcopy(generator).integers(1 << 62)}", shuffle=True)

    def reshard_data_sources(self) -> MixedExamples:
        """Return the mixture itself, which has pieces enough."""
        return self._like()

    def _like(self, **changes: Any) -> MixedExamples:
        own = {"key": self._key, "shuffle": self._shuffle, "together": self._together}
        own |= {"piece": self._piece, "pieces": self._pieces}
        return MixedExamples(self._parts, **{**own, **changes})

    def _init_state_dict(self) -> dict[str, Any]:
        self._state_dict = {"given": 0, "parts": [part_state() for _ in self._parts], "type": type(self).__name__}
        return self._state_dict

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        state: dict[str, Any] = self._state_dict if self._state_dict is not None else self._init_state_dict()
        shares = self._shares()
        readers = [
            read_part(part, own, key=f"{self._key}/{part.name}", shuffle=self._shuffle, share=share)
            for part, own, share in zip(self._parts, state["parts"], shares, strict=True)
        ]
        ended: set[int] = set()
        for given, place in enumerate(self._order(shares)[state["given"] :].tolist(), state["given"]):
            state["given"] = given + 1
            row = None if place in ended else next(readers[place], None)
            if row is not None:
                yield f"{self._piece}/{given}", row
            elif place not in ended:
                ended.add(place)
                logger.warning("%s has no rows to stream; the mixture goes on without it", self._parts[place].name)

    def _shares(self) -> list[Share]:
        """Return which rows of each part this piece gives; the pieces take turns in giving one more than others."""
        counts = [part.count for part in self._parts]
        before = np.cumsum([0, *counts[:-1]])
        return [Share((self._piece - int(start)) % self._pieces, self._pieces) for start in before]

    def _order(self, shares: Sequence[Share]) -> npt.NDArray[np.uint64]:
        """Return the part each row of this piece comes from."""
        counts = np.array([share.of(part.count) for part, share in zip(self._parts, shares, strict=True)], np.int64)
        rates = counts.astype(np.float64) if self._together else np.array([part.rate for part in self._parts])
        draws = [np.full(count, place, dtype=np.uint64) for place, count in enumerate(counts)]
        return schedule(draws, Quotas(counts, rates, np.zeros_like(counts)))

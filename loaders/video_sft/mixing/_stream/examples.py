"""Examples of a streamed mixture: the parts' streams in the mixture's order, on every worker and rank.

`datasets` asks an examples iterable to split itself (`shard_data_sources`) among ranks and then among workers. A
mixture has one order of all its rows, in which the pieces take turns, so it has the same rows on any number of them,
and a place in the order is the same place for any number of them. For that every piece reads the parts' rows, though
not their videos, and gives its own. There is no public interface for this; what is used is the one that the
interleaving of `datasets` is written against (`_datasets.examples_base`).
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft._datasets import examples_base
from video_sft.errors import ConfigError
from video_sft.mixing._order.quotas import Quotas
from video_sft.mixing._order.schedule import places_of, turns
from video_sft.mixing._stream.part import PartReader, StreamPart, part_state

__all__ = ["MixedExamples"]

logger = logging.getLogger("video_sft.mixing")
_Base: Any = examples_base()

#: The number of pieces a mixture says it has. Its divisors, 1 to 16 and their products with powers of two, are the
#: world sizes for which `datasets` lets a rank read its own pieces only.
PIECES = 2**10 * 3**2 * 5 * 7 * 11 * 13
#: Rows of the order that are looked at together, about.
_BLOCK_ROWS = 1 << 18


class MixedExamples(_Base):  # type: ignore[misc]
    """The rows of a streamed mixture, or of one piece of it.

    Args:
        parts: what is mixed.
        key: what the order depends on: the seed, and the epoch where one is set.
        shuffle: whether each part's rows come in a new order in every pass.
        together: whether all parts end at the same time, the shares holding to the end.
        levels: which piece this is: of the ranks, of that one's workers, each with the number of pieces and with how
            many rows each gives in a row (see `places_of`).
        run: rows that each of the pieces this one is split into gives in a row.
        begin: where in the order the pieces begin to take turns.
    """

    _sleep_on_threads_shutdown = False  # asked for from datasets 5 on

    def __init__(
        self,
        parts: Sequence[StreamPart],
        *,
        key: str,
        shuffle: bool,
        together: bool,
        levels: tuple[tuple[int, int, int], ...] = (),
        run: int = 0,
        begin: int = 0,
    ) -> None:
        super().__init__()
        self._parts = tuple(parts)
        self._key = key
        self._shuffle = shuffle
        self._together = together
        self._levels = levels
        self._run = run
        self._begin = begin
        self._pieces = math.prod(number for _, number, _ in levels)

    @property
    def num_shards(self) -> int:
        """How many pieces it can be split into."""
        return PIECES

    @property
    def is_one_ranks(self) -> bool:
        """Whether it is a piece already."""
        return bool(self._levels)

    def split_shard_indices_by_worker(self, num_shards: int, index: int, contiguous: bool = True) -> Sequence[int]:
        """Return the pieces of one worker; a range, since there are millions."""
        return range(index, PIECES, num_shards)

    def shard_data_sources(self, num_shards: int, index: int, contiguous: bool = True) -> MixedExamples:
        """Return piece `index` of `num_shards`."""
        return self.piece(index, num_shards, self._run)

    def piece(self, index: int, number: int, run: int) -> MixedExamples:
        """Return piece `index` of `number`, whose own pieces give `run` rows in a row, or 0 for one row each."""
        level = (index, number, self._run)
        return self._like(levels=(*self._levels, level) if number > 1 else self._levels, run=run)

    def shuffle_data_sources(self, generator: np.random.Generator) -> MixedExamples:
        """Return the mixture in another order: what `shuffle(seed)` and `set_epoch(epoch)` ask for."""
        return self._like(key=f"{self._key}/{deepcopy(generator).integers(1 << 62)}", shuffle=True)

    def reshard_data_sources(self) -> MixedExamples:
        """Return the mixture itself, which has pieces enough."""
        return self._like()

    def after(self, rows: int) -> MixedExamples:
        """Return what is left of the mixture after so many rows of its order."""
        return self._like(begin=self._begin + rows)

    def _like(self, **changes: Any) -> MixedExamples:
        own = {"key": self._key, "shuffle": self._shuffle, "together": self._together}
        own |= {"levels": self._levels, "run": self._run, "begin": self._begin}
        return MixedExamples(self._parts, **{**own, **changes})

    def _init_state_dict(self) -> dict[str, Any]:
        # `begin` is where in the order the pieces began to take turns, and `given` how many this one has had since.
        # Tuples are taken over as they are where `datasets` merges a state into another; lists would be mixed up.
        self._state_dict = {
            "mixture": self.identity,
            "split": self._split(),
            "begin": self._begin,
            "given": 0,
            "parts": tuple(part_state() for _ in self._parts),
            "type": type(self).__name__,
        }
        return self._state_dict

    def _split(self) -> tuple[tuple[int, int], ...]:
        return tuple((number, run) for _, number, run in self._levels)

    def _take_up(self, state: dict[str, Any]) -> None:
        """Make a state that was loaded one of this piece: the same place with this number of pieces.

        Raises:
            ConfigError: it is the state of another mixture, or it does not say how far the other pieces have gone.
        """
        if state["mixture"] != self.identity:
            raise ConfigError(
                "this is the state of another mixture: other parts, weights, files, options or seed, or of another "
                "version of this package. Make the mixture as it was then, or start from the beginning"
            )
        state["parts"] = tuple(state["parts"])
        split = tuple((number, run) for number, run in state["split"])
        if split != self._split():
            if any(run for _, run in split):
                raise ConfigError(
                    f"this is the state of one worker of a loader ({split} pieces, now {self._split()}), and the "
                    "others have gone other ways. Go on with as many ranks and workers as then, or skip the rows that "
                    "all of them have used: mix.skip(rows_used)"
                )
            begin = state["begin"] + state["given"] * math.prod(number for number, _ in split)
            state |= {"begin": begin, "split": self._split(), "given": 0}  # all pieces have had as many turns

    @property
    def rows(self) -> int:
        """How many rows the whole mixture has, if no part turns out to be empty."""
        return sum(part.count for part in self._parts)

    @property
    def identity(self) -> str:
        """What tells this mixture from others whose state could be loaded by mistake."""
        parts = [(part.name, part.count, part.rate, part.examples.num_shards) for part in self._parts]
        content = repr((parts, self._key, self._shuffle, self._together))
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        state: dict[str, Any] = self._state_dict if self._state_dict is not None else self._init_state_dict()
        self._take_up(state)
        readers = [
            PartReader(part, own, key=f"{self._key}/{part.name}", shuffle=self._shuffle)
            for part, own in zip(self._parts, state["parts"], strict=True)
        ]
        ended: set[int] = set()
        for place, part, number in self._own_rows(state["begin"], state["given"]):
            state["given"] += 1
            row = None if part in ended else readers[part].row(number)
            if row is not None:
                yield str(place), row
            elif part not in ended:
                ended.add(part)
                logger.warning("%s has no rows to stream; the mixture goes on without it", self._parts[part].name)

    def _own_rows(self, begin: int, given: int) -> Iterator[tuple[int, int, int]]:
        """Yield the rows of this piece: their places in the order, the parts they are from, and their numbers there."""
        order = self._order()
        run = max([1, *(run for _, _, run in self._levels)])
        done = given - given % run  # in blocks of whole runs, for then all pieces together have taken all places so far
        per_block = max(1, _BLOCK_ROWS // (self._pieces * run)) * run
        start = begin + done * self._pieces
        before = np.bincount(order[:start], minlength=len(self._parts))
        while start < len(order):
            taken = np.arange(done, done + per_block)
            skipped, done = max(0, given - done), done + per_block
            stop = min(begin + done * self._pieces, len(order))
            for index, number, run in reversed(self._levels):
                taken = places_of(taken, index, number, run=run)
            places = taken[skipped:][taken[skipped:] < len(order) - begin] + begin
            parts, numbers = order[places], np.empty(len(places), dtype=np.int64)
            for part in range(len(self._parts)):
                found = np.flatnonzero(order[start:stop] == part)
                own = parts == part
                numbers[own] = before[part] + np.searchsorted(found, places[own] - start)
                before[part] += len(found)
            yield from zip(places.tolist(), parts.tolist(), numbers.tolist(), strict=True)
            start = stop

    def _order(self) -> npt.NDArray[Any]:
        """Return the part each row of the mixture comes from, a byte a row."""
        counts = np.array([part.count for part in self._parts], np.int64)
        rates = counts.astype(np.float64) if self._together else np.array([part.rate for part in self._parts])
        return turns(Quotas(counts, rates, np.zeros_like(counts)))

"""One part of a streamed mixture, as one worker reads it: pass after pass, in blocks that can be resumed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft._datasets import Examples, chained, every_nth, new_reader, rewind, shuffled_files
from video_sft.mixing._order.schedule import passes_over, random_bits
from video_sft.mixing._table import PASS_COLUMN

__all__ = ["Share", "StreamPart", "part_state", "read_part"]

#: Rows read ahead to give them a new order.
BLOCK_ROWS = 1000


@dataclass(frozen=True)
class StreamPart:
    """One part of a streamed mixture.

    Attributes:
        name: its name.
        examples: its stream.
        count: rows it gives to the whole mixture.
        rate: its share while it lasts.
        stays: whether a row is mixed; None for all.
        by_row: share it out row by row, so that no row is given more often than another, at the price of reading all of
            it on every worker. Otherwise workers read different files as far as they go, and go round in those.
    """

    name: str
    examples: Examples
    count: int
    rate: float
    stays: Callable[[Mapping[str, Any]], bool] | None
    by_row: bool


@dataclass(frozen=True)
class Share:
    """Every `step`-th row, from `first`."""

    first: int
    step: int

    def of(self, count: int) -> int:
        """Return how many of `count` rows that is."""
        return max(0, -(-(count - self.first) // self.step))


def part_state() -> dict[str, Any]:
    """Return the state in which nothing is read: where the block at hand begins, and how much of it is used.

    `seen` counts the rows that stay, over all passes, up to the block; `whole` tells that there are fewer rows than
    workers, so that this one reads them all; `examples` is the stream's own state at the block's start.
    """
    return {"pass": 0, "block": 0, "used": 0, "seen": 0, "whole": False, "examples": None}


def read_part(
    part: StreamPart, state: dict[str, Any], *, key: str, shuffle: bool, share: Share
) -> Iterator[dict[str, Any]]:
    """Yield a part's rows with the number of their pass; without end, unless a whole pass has no row.

    Args:
        part: the part.
        state: where to begin; kept up to date with every row. Resuming reads one block again and loses nothing.
        key: what the order depends on.
        shuffle: whether every pass has an order of its own: files shuffled, and rows within blocks.
        share: what this worker gives.
    """
    while True:
        resumed = state["examples"] is not None
        reader = _Pass(part, state, key=f"{key}/{state['pass']}", shuffle=shuffle, share=share)
        for row in reader.rows():
            yield {**row, PASS_COLUMN: state["pass"]}
        if reader.stayed or resumed:
            state |= {"pass": state["pass"] + 1, "block": 0, "used": 0, "seen": reader.seen, "examples": None}
        elif part.by_row or share.step == 1 or state["whole"]:
            return
        else:
            state |= {"whole": True, "examples": None}


class _Pass:
    """One pass over a part.

    Attributes:
        seen: rows that stay, over all passes so far.
        stayed: whether this pass has met one.
    """

    def __init__(self, part: StreamPart, state: dict[str, Any], *, key: str, shuffle: bool, share: Share) -> None:
        self._part = part
        self._state = state
        self._key = key
        self._shuffle = shuffle
        self._share = share
        self.seen: int = state["seen"]
        self.stayed = False

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of this worker, block after block."""
        state, examples = self._state, self._examples()
        rewind(examples, state["examples"])
        staying = self._staying(examples)
        share = self._share if self._part.by_row else Share(0, 1)
        for block in itertools.count(state["block"]):
            state |= {"block": block, "seen": self.seen, "examples": examples.state_dict()}
            rows = list(itertools.islice(staying, BLOCK_ROWS))
            for used, place in enumerate(self._order(block, len(rows))[state["used"] :].tolist(), state["used"]):
                if (self.seen + used) % share.step == share.first:
                    state["used"] = used + 1
                    yield rows[place]
            self.seen += len(rows)
            self.stayed |= bool(rows)
            if len(rows) < BLOCK_ROWS:
                return
            state["used"] = 0

    def _staying(self, examples: Examples) -> Iterator[dict[str, Any]]:
        stays = self._part.stays
        return (row for _, row in examples if stays is None or stays(row))

    def _order(self, block: int, size: int) -> npt.NDArray[np.uint64]:
        return passes_over(max(1, size), size, key=f"{self._key}/{block}", shuffle=self._shuffle)

    def _examples(self) -> Examples:
        """Return the part's stream for this pass and worker, as a new object with a state of its own."""
        examples = new_reader(self._part.examples)
        if self._shuffle:  # rows are shuffled in blocks in any case
            examples = shuffled_files(examples, np.random.Generator(random_bits(self._key)))
        first, step = self._share.first, self._share.step
        if step == 1 or self._part.by_row or self._state["whole"]:
            return examples
        files = examples.num_shards
        shared_out = files - files % step
        own = [examples.shard_data_sources(num_shards=files, index=file) for file in range(first, shared_out, step)]
        rest = [examples.shard_data_sources(num_shards=files, index=file) for file in range(shared_out, files)]
        return chained([*own, *(every_nth(examples, step, first) for examples in rest)])

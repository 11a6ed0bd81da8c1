"""One part of a streamed mixture: its rows in its own order, pass after pass, in blocks that can be resumed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from video_sft._datasets import Examples, new_reader, rewind, shuffled_files
from video_sft.mixing._order.schedule import passes_over, random_bits
from video_sft.mixing._table import PASS_COLUMN

__all__ = ["PartReader", "StreamPart", "part_state"]

#: Rows read ahead to give them a new order.
BLOCK_ROWS = 1000


@dataclass(frozen=True)
class StreamPart:
    """One part of a streamed mixture: how many rows it gives, its share while it lasts, and which rows are mixed."""

    name: str
    examples: Examples
    count: int
    rate: float
    stays: Callable[[Mapping[str, Any]], bool] | None


def part_state() -> dict[str, Any]:
    """Return the state in which nothing is read: the pass and the block at hand, and how many rows come before it.

    `examples` is the stream's own state where the block begins.
    """
    return {"pass": 0, "block": 0, "before": 0, "examples": None}


class PartReader:
    """Finds a part's rows by their numbers, which count over all passes and are the same for every worker and rank.

    The state says where to begin, and is kept up to date with every block. With `shuffle`, every pass has an order of
    its own, which depends on the key: files shuffled, and rows within blocks.
    """

    def __init__(self, part: StreamPart, state: dict[str, Any], *, key: str, shuffle: bool) -> None:
        self._part = part
        self._state = state
        self._key = key
        self._shuffle = shuffle
        self._blocks = self._read()
        self._block: list[dict[str, Any]] = []
        self._before = 0

    def row(self, number: int) -> dict[str, Any] | None:
        """Return a row with the number of its pass, None if the part has no rows; numbers are asked for in order."""
        while number >= self._before + len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return None
            self._block, self._before = block, self._state["before"]
        return {**self._block[number - self._before], PASS_COLUMN: self._state["pass"]}

    def _read(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the part's rows block by block; without end, unless a whole pass has no row."""
        state = self._state
        while True:
            whole_pass = state["examples"] is None
            at_first = state["before"]
            key = f"{self._key}/{state['pass']}"
            examples = new_reader(self._part.examples)
            if self._shuffle:  # rows are shuffled in blocks in any case
                examples = shuffled_files(examples, np.random.Generator(random_bits(key)))
            rewind(examples, state["examples"])
            stays = self._part.stays
            rows = (row for _, row in examples if stays is None or stays(row))
            for block in itertools.count(state["block"]):
                state |= {"block": block, "examples": examples.state_dict()}
                read = list(itertools.islice(rows, BLOCK_ROWS))
                order = passes_over(max(1, len(read)), len(read), key=f"{key}/{block}", shuffle=self._shuffle)
                yield [read[place] for place in order.tolist()]
                state["before"] += len(read)
                if len(read) < BLOCK_ROWS:
                    break
            if whole_pass and state["before"] == at_first:
                return
            state |= {"pass": state["pass"] + 1, "block": 0, "examples": None}

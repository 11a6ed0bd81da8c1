"""The interface to whatever runs batches of items, and the order in which they are run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from video_sft._engines.batch import Done, Lost
from video_sft.errors import BuildError

__all__ = ["Engine", "Outcome", "run"]

#: What came of a batch: of each of its items, or of all of them nothing, since their process died.
Outcome: TypeAlias = "list[Done | Lost] | Lost"


class Engine(ABC):
    """Runs batches of items; used as a context, at whose end nothing runs any more."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many batches are taken at a time, now."""

    @abstractmethod
    def submit(self, number: int, items: Sequence[Any]) -> None:
        """Begin a batch under a number of its own."""

    @abstractmethod
    def wait(self) -> list[tuple[int, Outcome]]:
        """Return batches that are done, once there are some."""

    @abstractmethod
    def close(self) -> None:
        """Give up what still runs."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


@dataclass
class _Batch:
    items: Sequence[Any]
    crashes: int = 0


@dataclass
class _Queue:
    waiting: deque[_Batch]
    running: dict[int, _Batch] = field(default_factory=dict)
    number: int = 0

    def fill(self, engine: Engine) -> None:
        while self.waiting and len(self.running) < engine.slots:
            batch = self.waiting.popleft()
            self.running[self.number] = batch
            engine.submit(self.number, batch.items)
            self.number += 1


def run(
    items: Sequence[Any],
    engine: Engine,
    *,
    cost: Callable[[Any], float],
    items_each: int = 8,
    cost_each: float = float(32 << 20),
    retries: int = 1,
) -> Iterator[tuple[Any, Done | Lost]]:
    """Yield each item with what came of it, as they are done; the costliest begin first.

    A batch whose process dies is split in two and run again, until it is one item: that one is tried `retries` times
    more, in case something else brought its process down, and is lost then. No other item is.

    Args:
        items: different ones.
        engine: what runs them.
        cost: of an item, in any unit.
        items_each: how many are run together, at most.
        cost_each: what they may cost together; one may cost more by itself.
        retries: see above.

    Raises:
        BuildError: an item says that nothing would come of the others either.
    """
    ordered = sorted(items, key=cost, reverse=True)
    queue = _Queue(deque(_batches(ordered, cost, min(items_each, -(-len(items) // (4 * engine.slots))), cost_each)))
    while queue.waiting or queue.running:
        queue.fill(engine)
        for number, outcome in engine.wait():
            batch = queue.running.pop(number)
            if isinstance(outcome, list):
                for item, done in zip(batch.items, outcome, strict=True):
                    if isinstance(done, Lost) and done.fatal:
                        raise BuildError(done.reason)
                    yield item, done
            elif len(batch.items) > 1:
                middle = len(batch.items) // 2
                queue.waiting.extendleft([_Batch(batch.items[middle:]), _Batch(batch.items[:middle])])
            elif batch.crashes < retries:
                queue.waiting.append(_Batch(batch.items, batch.crashes + 1))
            else:
                yield batch.items[0], outcome


def _batches(items: Sequence[Any], cost: Callable[[Any], float], items_each: int, cost_each: float) -> Iterator[_Batch]:
    batch: list[Hashable] = []
    total = 0.0
    for item in items:
        if batch and (len(batch) >= items_each or total + cost(item) > cost_each):
            yield _Batch(batch)
            batch, total = [], 0.0
        batch.append(item)
        total += cost(item)
    if batch:
        yield _Batch(batch)

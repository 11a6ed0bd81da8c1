"""Take turns, take medians, and print the table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

__all__ = ["Taken", "show", "take_turns"]


@dataclass(frozen=True)
class Taken:
    """Medians, in seconds.

    Attributes:
        wall: by the clock.
        cpu: of all threads of this process.
    """

    wall: float
    cpu: float


def take_turns(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Taken]:
    """Run all contestants in turn, so many rounds after one that does not count; return their medians."""
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    cpu: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, run in contestants.items():
            began, used = time.perf_counter(), time.process_time()
            run()
            if turn:
                wall[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - used)
    return {name: Taken(statistics.median(wall[name]), statistics.median(cpu[name])) for name in contestants}


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Print a table, and return its rows."""
    table = Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)
    return list(rows)

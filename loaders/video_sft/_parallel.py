"""Threads for many small jobs that neither an error nor the end of the process waits for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from video_sft._datasets import tqdm
from video_sft.video._bytes.stopping import Job

__all__ = ["done_in_threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], *, num_threads: int, total: int, title: str, unit: str
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what came of it, as they are done, under a progress bar.

    Args:
        work: done for each item, in a thread.
        items: taken as threads become free.
        num_threads: items that are worked on at the same time.
        total: how many items there are, for the bar.
        title: what the bar says is being done.
        unit: what an item is, in the plural.

    Raises:
        Exception: the first that `work` raises. What is still being read then, or at Ctrl-C, is given up.
    """
    waiting, job = iter(items), Job()

    def worked(item: Item) -> Result:
        with job.worked_on():
            return work(item)

    with (
        ThreadPoolExecutor(num_threads, "video-sft") as pool,
        tqdm(desc=title, total=total, unit=f" {unit}", leave=False, delay=1.0) as progress,
    ):
        running: dict[Future[Result], Item] = {
            pool.submit(worked, item): item for item in itertools.islice(waiting, 2 * num_threads)
        }
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
                    progress.update()
                    for item in itertools.islice(waiting, 1):
                        running[pool.submit(worked, item)] = item
        finally:
            job.stop()
            pool.shutdown(wait=False, cancel_futures=True)

"""The number of threads to decode with."""

from __future__ import annotations

import multiprocessing
import os
import sys

__all__ = ["default_threads"]

_MOST = 4


def default_threads() -> int:
    """Return one thread for each processor this process may use, up to four; one inside a worker process.

    Workers of a DataLoader or of ``Dataset.map(num_proc=...)`` keep every processor busy. `datasets` starts its own
    with ``multiprocess``, a fork of the standard module with a process tree of its own.
    """
    if multiprocessing.parent_process() is not None:
        return 1
    forked = sys.modules.get("multiprocess")
    if forked is not None and forked.parent_process() is not None:
        return 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, _MOST)

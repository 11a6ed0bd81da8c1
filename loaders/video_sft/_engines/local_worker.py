"""The program of one process of the local engine: it is told the work, does batches of it, and dies with its parent."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from video_sft._engines.batch import work_on

__all__ = ["main"]


def main() -> None:
    """Work until the parent closes the pipe, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends its workers
    tasks, results = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what a library prints is no result
    sys.stdout = sys.stderr
    batches: queue.SimpleQueue[Any] = queue.SimpleQueue()
    work, seconds = tasks.recv()

    def listen() -> None:
        try:
            while True:
                batches.put(tasks.recv())
        except (EOFError, OSError):
            os._exit(0)  # in the middle of an encode, too: nobody is there for what comes of it

    threading.Thread(target=listen, daemon=True).start()
    results.send("ready")
    while True:
        results.send(work_on(work, batches.get(), seconds))


if __name__ == "__main__":
    main()

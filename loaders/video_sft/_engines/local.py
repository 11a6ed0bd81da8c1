"""The engine of this machine: a process for each processor, each of which can die by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from video_sft._engines.batch import Lost
from video_sft._engines.engine import Engine, Outcome
from video_sft.errors import BuildError

__all__ = ["LocalEngine"]


@dataclass
class _Worker:
    """A process, the way to it and the way back, and the number of the batch it is at; None while it has none."""

    process: subprocess.Popen[bytes]
    tasks: Connection
    results: Connection
    batch: int | None = None
    ready: bool = False

    def end(self) -> int:
        """Stop the process, if it still runs; return how it ended."""
        self.tasks.close()
        self.results.close()
        self.process.kill()
        return self.process.wait()


class LocalEngine(Engine):
    """Processes of this machine.

    They are programs of their own rather than copies of this one: the main script is not run again in them, and this
    process may have threads. A process ends by itself when the one that started it is gone, however that ended.

    Args:
        work: what is done for an item; a function of a module, or a `functools.partial` of one.
        num_workers: processes; None is one for each processor.
        seconds: for an item.
    """

    def __init__(self, work: Callable[[Any], Any], *, num_workers: int | None, seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._slots = num_workers or _processors()
        self._workers: list[_Worker] = []

    @property
    def slots(self) -> int:
        """As many as there are processes."""
        return self._slots

    def submit(self, number: int, items: Sequence[Any]) -> None:
        """Send a batch to a process without one."""
        worker = next((each for each in self._workers if each.batch is None), None)
        if worker is None:
            worker = self._started()
            self._workers.append(worker)
        worker.batch = number
        with contextlib.suppress(OSError):  # it has died: `wait` tells
            worker.tasks.send(items)

    def wait(self) -> list[tuple[int, Outcome]]:
        """Return the batches that are done, once there are some."""
        found: list[tuple[int, Outcome]] = []
        while not found:
            busy = {each.results: each for each in self._workers if each.batch is not None}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                number = worker.batch
                assert number is not None
                try:
                    said = worker.results.recv()
                except (EOFError, OSError):
                    self._workers.remove(worker)
                    found.append((number, self._lost(worker)))
                    continue
                if not worker.ready:
                    worker.ready = True
                    continue
                worker.batch = None
                found.append((number, said))
        return found

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _started(self) -> _Worker:
        """Start a process."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(os.path.abspath, sys.path)))}
        process = subprocess.Popen(
            [sys.executable, "-m", "video_sft._engines.local_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        tasks = Connection(os.dup(process.stdin.fileno()), readable=False)
        results = Connection(os.dup(process.stdout.fileno()), writable=False)
        process.stdin.close()
        process.stdout.close()
        worker = _Worker(process, tasks, results)
        with contextlib.suppress(OSError):  # it has died: `wait` tells
            tasks.send((self._work, self._seconds))
        return worker

    def _lost(self, worker: _Worker) -> Lost:
        """Return what a process died of.

        Raises:
            BuildError: it never came to its work.
        """
        code = worker.process.wait()
        worker.end()
        if not worker.ready:
            told = f"a worker process ended with code {code} before it did anything: what it printed says why"
            raise BuildError(f"{told} ({sys.executable} -m video_sft._engines.local_worker)")
        if code < 0:
            return Lost(f"its process was ended by {signal.Signals(-code).name}{_HINTS.get(signal.Signals(-code), '')}")
        return Lost(f"its process ended with code {code}, as one does that takes longer than {self._seconds:g} seconds")


#: What is likely behind a signal.
_HINTS = {
    signal.SIGKILL: ", as the system does with one that takes too much memory",
    signal.SIGSEGV: ": the decoder or encoder crashes on it",
    signal.SIGABRT: ": the decoder or encoder gives up on it",
}


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

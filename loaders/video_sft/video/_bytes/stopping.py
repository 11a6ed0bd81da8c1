"""Jobs of several threads, whose open files are given up together when a job ends before they do."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from video_sft.errors import VideoError

__all__ = ["Job"]

_here = threading.local()


class Job:
    """What several threads do together.

    Attributes:
        stopped: whether nobody wants the rest of it.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def current(cls) -> Job | None:
        """Give the one that this thread works for, if any."""
        job: Job | None = getattr(_here, "job", None)
        return job

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Have this thread work for it; what the thread opens within the block is given up when the job stops."""
        before = Job.current()
        _here.job = self
        try:
            yield
        finally:
            _here.job = before

    def opened(self, file: Any) -> None:
        """Take note of a file, which has `give_up`."""
        with self._lock:
            self._open.add(file)

    def check(self, name: str) -> None:
        """Go no further in a job that was stopped.

        Raises:
            VideoError: it was.
        """
        if self.stopped:
            raise VideoError(name, "was given up, since the call it was read for has ended")

    def stop(self) -> None:
        """Give up what is open, and let nothing more be read."""
        self.stopped = True
        with self._lock:
            files = list(self._open)
            self._open.clear()
        for file in files:
            file.give_up()

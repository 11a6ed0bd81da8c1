"""A run of bytes that is on its way: it can be read as far as it has come."""

from __future__ import annotations

import threading

import numpy as np

from video_sft.video._bytes.waiting import Waiting

__all__ = ["Segment"]


class Segment:
    """Consecutive bytes of a file that arrive from the first to the last.

    One thread fills it; any number wait for the part they need.

    Args:
        offset: of the first byte in the file.
        end: offset behind the last that is there or will come.
        stretch: how far the read-ahead that made it reached; 0 where it was announced.

    Attributes:
        reached: offset behind the last byte that is there.
        reader: the thread that read from it last, or for which it was fetched.
    """

    def __init__(self, offset: int, end: int, *, stretch: int = 0) -> None:
        self.offset = offset
        self.stretch = stretch
        self.reader = 0
        self.end = end
        self.reached = offset
        self._data: memoryview | None = None
        self._error: BaseException | None = None
        self._cut = False
        self._news = threading.Condition()

    @classmethod
    def of(cls, offset: int, data: bytes | memoryview) -> Segment:
        """Make one that is all there."""
        segment = cls(offset, offset + len(data))
        segment._data, segment.reached = memoryview(data), offset + len(data)
        return segment

    def copy(self) -> Segment:
        """Make another one of the bytes that are there, with a lock of its own: after a fork this one's may be held."""
        data = memoryview(b"") if self._data is None else self._data[: self.reached - self.offset]
        return Segment.of(self.offset, data)

    @property
    def wanted(self) -> bool:
        """Whether bytes are still to come."""
        return self.reached < self.end

    def add(self, piece: bytes | memoryview) -> bool:
        """Take the next bytes; return whether the sender may go on, which it may not once the rest is unwanted."""
        with self._news:
            size = min(len(piece), self.end - self.reached)
            if size and not self._cut:
                if self._data is None:  # not touched before bytes come
                    self._data = np.empty(self.end - self.offset, np.uint8).data
                start = self.reached - self.offset
                self._data[start : start + size] = memoryview(piece)[:size]
                self.reached += size
                self._news.notify_all()
            return not self._cut and size == len(piece)

    def fail(self, error: BaseException) -> None:
        """Say that no more bytes come; who waits for them gets the error."""
        with self._news:
            self._error = error
            self._news.notify_all()

    def cut(self) -> None:
        """Do without the bytes that are not there yet."""
        with self._news:
            self._cut = True
            self.end = self.reached
            self._news.notify_all()

    def shorten(self, end: int) -> None:
        """Say that the file ends before it."""
        with self._news:
            self.end = max(self.reached, min(self.end, end))
            self._news.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the rest is unwanted."""
        with self._news:
            self._news.wait_for(lambda: self._cut, seconds)

    def read(self, offset: int, end: int, waiting: Waiting | None = None) -> memoryview:
        """Wait for a part of it.

        Args:
            offset: of the first byte wanted.
            end: offset behind the last; may lie beyond the segment's.
            waiting: for how long; None is without end.

        Returns:
            The bytes as far as the segment has them; none where it was cut before them.

        Raises:
            VideoError: the bytes do not come.
        """
        with self._news:
            ready = lambda: self.reached >= min(end, self.end) or self._error is not None  # noqa: E731
            if waiting is None:
                self._news.wait_for(ready)
            else:
                waiting.until(self._news, ready, f"bytes {offset:,} to {min(end, self.end) - 1:,}")
            if self._error is not None and self.reached < min(end, self.end):
                raise self._error
            if self._data is None:
                return memoryview(b"")
            return self._data[offset - self.offset : max(0, min(end, self.end) - self.offset)]

"""Random access to a file far away: few requests, side by side, and nothing read that is not needed."""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

from video_sft.errors import VideoError

__all__ = ["Fetcher", "RangedBytes", "Span", "TransientError"]

#: Offset and length.
Span = tuple[int, int]

#: The first request takes this much, which holds the whole header of a short video.
_HEAD = 64 << 10
#: Spans closer than this are fetched as one.
_GAP = 64 << 10
#: Reads that nobody announced take at least this much.
_READ_AHEAD = 256 << 10
#: Bytes of unannounced reads that are kept.
_KEPT = 32 << 20
_CONNECTIONS = 8
_ATTEMPTS = 5


class TransientError(Exception):
    """A request failed in a way that may pass: a dropped connection, a server error, a body cut short."""


class Fetcher(Protocol):
    """Gets ranges of one file; may be used by several threads at once.

    Attributes:
        name: for messages.
    """

    name: str

    def first(self, size: int) -> tuple[bytes, int]:
        """Get the first so many bytes, and the file's size.

        Raises:
            TransientError: it may work when tried again.
            VideoError: it will not.
        """

    def fetch(self, offset: int, size: int) -> bytes:
        """Get exactly so many bytes at an offset.

        Raises:
            TransientError: it may work when tried again.
            VideoError: it will not.
        """


class _Segment:
    """A run of bytes that is there, or on its way."""

    def __init__(self, offset: int, size: int) -> None:
        self.offset, self.end = offset, offset + size
        self.data: bytes | None = None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def get(self) -> bytes:
        self.done.wait()
        if self.error is not None:
            raise self.error
        assert self.data is not None
        return self.data


class RangedBytes:
    """A remote file as a byte source.

    What `prefetch` announces is fetched in the background, several ranges at once, and reading waits for the range it
    needs; so decoding the first frames goes on while the bytes of later ones arrive. Other reads fetch ahead by a
    quarter of a megabyte.

    Args:
        fetcher: gets the bytes.
        head: the file's beginning and size, where they are known already.
    """

    far = True

    def __init__(self, fetcher: Fetcher, head: tuple[bytes, int] | None = None) -> None:
        self.name = fetcher.name
        self._fetcher = fetcher
        self._lock = threading.Lock()
        self._announced: list[_Segment] = []
        self._read: OrderedDict[int, _Segment] = OrderedDict()
        self._queue: list[_Segment] = []
        self._closed = False
        self.size: int
        data, self.size = head or _patiently(lambda: fetcher.first(_HEAD), self.name)
        self._head = _done(0, data)

    def again(self) -> RangedBytes:
        """Give a fresh handle without a request; the fetcher notices when the file is another."""
        return RangedBytes(self._fetcher, (self._head.get(), self.size))

    def prefetch(self, spans: Sequence[Span]) -> None:
        """Begin to fetch spans, in the order given; close neighbours go in one request."""
        for offset, end in _merged(spans):
            if self._head.end >= end or not end > offset:
                continue
            segment = _Segment(offset, min(end, self.size) - offset)
            with self._lock:
                self._announced.append(segment)
                self._queue.append(segment)
        workers = min(_CONNECTIONS, len(self._queue))
        for _ in range(workers):
            threading.Thread(target=self._work, name="video-sft-fetch", daemon=True).start()

    def forget(self) -> None:
        """Drop what was announced and fetched."""
        with self._lock:
            self._announced, self._queue = [], []

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""
        end = min(offset + size, self.size)
        parts = []
        while offset < end:
            segment = self._at(offset, end)
            part = segment.get()[offset - segment.offset : end - segment.offset]
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_some(self, offset: int, size: int) -> bytes:
        """Give one byte or more, up to so many: those of one fetched range, if there is any at the offset."""
        if offset >= self.size:
            return b""
        segment = self._at(offset, min(offset + size, self.size))
        return segment.get()[offset - segment.offset : offset - segment.offset + size]

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        view = memoryview(buffer)
        view[:] = self.read_at(offset, len(view))

    def close(self) -> None:
        """Begin no more requests."""
        self._closed = True
        self.forget()

    def _at(self, offset: int, end: int) -> _Segment:
        """Find the range that holds an offset, or fetch it, at least as far as `end` or the next range."""
        with self._lock:
            for segment in (self._head, *reversed(self._read.values()), *self._announced):
                if segment.offset <= offset < segment.end:
                    return segment
            later = [s.offset for s in (*self._announced, *self._read.values()) if s.offset > offset]
            stop = min([self.size, max(end, offset + _READ_AHEAD), *later])
            segment = _Segment(offset, stop - offset)
            self._read[offset] = segment
            while sum(s.end - s.offset for s in self._read.values()) > _KEPT and len(self._read) > 1:
                self._read.popitem(last=False)
        self._fill(segment)
        return segment

    def _work(self) -> None:
        while not self._closed:
            with self._lock:
                if not self._queue:
                    return
                segment = self._queue.pop(0)
            self._fill(segment)

    def _fill(self, segment: _Segment) -> None:
        size = segment.end - segment.offset
        try:
            segment.data = _patiently(lambda: self._fetcher.fetch(segment.offset, size), self.name)
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are read
            segment.error = error
            with self._lock:
                self._read.pop(segment.offset, None)
        segment.done.set()


def _done(offset: int, data: bytes) -> _Segment:
    segment = _Segment(offset, len(data))
    segment.data = data
    segment.done.set()
    return segment


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Join spans that lie close together; each joined one takes the place of the earliest given of its members.

    Returns:
        Offset and end of each.
    """
    joined: list[list[int]] = []
    for order, (offset, size) in sorted(enumerate(spans), key=lambda item: item[1]):
        if joined and offset - joined[-1][1] <= _GAP:
            joined[-1][1] = max(joined[-1][1], offset + size)
            joined[-1][2] = min(joined[-1][2], order)
        else:
            joined.append([offset, offset + size, order])
    return [(offset, end) for offset, end, _ in sorted(joined, key=lambda item: item[2])]


def _patiently(call: Any, name: str) -> Any:
    """Try a request again after passing failures, waiting longer each time."""
    for attempt in range(_ATTEMPTS):
        try:
            return call()
        except TransientError as error:
            if attempt == _ATTEMPTS - 1:
                raise VideoError(name, f"cannot be fetched, tried {_ATTEMPTS} times: {error}") from error
            time.sleep(0.1 * 2**attempt * (1 + random.random()))
    raise AssertionError("unreachable")

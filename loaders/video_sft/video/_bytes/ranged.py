"""Random access to remote files: few requests, side by side, and nothing read that is not needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, TypeAlias

from video_sft._retrying import Retries, TransientError
from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._bytes.fetcher import Fetcher
from video_sft.video._bytes.segment import Segment
from video_sft.video._bytes.stopping import Job

__all__ = ["RangedBytes"]

#: Offset and length.
ByteRange: TypeAlias = tuple[int, int]

#: The first request takes this much, which holds the whole header of a short video.
_HEAD = 64 << 10
#: Spans closer than this are fetched as one.
_GAP = 64 << 10
#: Reads that nobody announced take at least this much, and up to that much where they follow each other: up to the
#: last where the file is read through.
_READ_AHEAD = 256 << 10
_LONGER_READ_AHEAD = 512 << 10
_LONGEST_READ_AHEAD = 4 << 20
#: Bytes of unannounced reads that are kept.
_KEPT = 32 << 20
#: Ranges that are fetched at once. More of them share a narrow line and all arrive late; fewer leave a wide one idle.
_CONNECTIONS = 4
#: How often a range is asked for without a byte of it.
_ATTEMPTS = 5


class RangedBytes(ByteSource):
    """A remote file as a byte source.

    What `prefetch` announces is fetched in the background, some ranges at once and in their order, and reading waits
    for no more than the bytes it needs; so decoding goes on while the rest arrives. Other reads fetch a quarter of a
    megabyte at least. Where they follow each other they fetch more; of a file that is read through more and more, and
    the next stretch in the background.

    Only threads of its own talk to the server; who reads waits for them, and no longer than `limit_waiting` says. Where
    they are known, the file's beginning and size are given to it as `head`.
    """

    remote = True

    def __init__(self, fetcher: Fetcher, head: tuple[Segment, int] | None = None) -> None:
        self.name = fetcher.name
        self._fetcher = fetcher
        self._lock = threading.Lock()
        self._announced: list[Segment] = []
        self._queue: list[Segment] = []
        self._workers = 0
        self._read: OrderedDict[int, Segment] = OrderedDict()
        self._closed = False
        self._through = False
        self._head, self.size = head or (Segment(0, _HEAD), 0)
        job = Job.current()
        if job is not None:
            job.opened(self)
            job.check(self.name)
        if head is None:
            self._begin()

    @property
    def identity(self) -> tuple[str, int, str | None]:  # type: ignore[override]
        """See `ByteSource`."""
        return self.name, self.size, self._fetcher.version

    def reopened(self) -> RangedBytes:
        """Give a fresh handle without a request; the fetcher notices when the file is another."""
        return RangedBytes(self._fetcher.reopened(), (self._head.copy(), self.size))

    def _begin(self) -> None:
        """Get the file's beginning, and its size."""
        try:
            self._start(self._fill, self._head)
            self._await(self._head, 0, _HEAD)
            if self._closed:
                raise VideoError(self.name, "was closed while it was read")
            assert self._fetcher.size is not None
            self.size = self._fetcher.size
        except BaseException:
            self.close()
            raise

    def prefetch(self, spans: Sequence[ByteRange]) -> None:
        """Begin to fetch what is not there of spans, in the order given; close neighbours go in one request."""
        with self._lock:
            for offset, end in _merged(spans):
                known = [(s.offset, s.end) for s in (self._head, *self._announced, *self._read.values())]
                for start, stop in _between(offset, min(end, self.size), known):
                    segment = Segment(start, stop)
                    self._announced.append(segment)
                    self._queue.append(segment)
            new = min(_CONNECTIONS - self._workers, len(self._queue))
            self._workers += new
        for _ in range(new):
            self._start(self._work)

    def forget(self) -> None:
        """Drop what was announced; what has not arrived of it is no longer fetched."""
        with self._lock:
            announced, self._announced, self._queue = self._announced, [], []
        for segment in announced:
            segment.cut()

    def read_through(self) -> None:
        """Say that all of the file will be read, from its beginning to its end."""
        self._through = True

    def parts(self, offset: int, size: int) -> Iterator[memoryview]:
        """Yield the bytes of one fetched range after the other, waiting for each part."""
        end = min(offset + size, self.size)
        while offset < end:
            segment = self._at(offset, end)
            part = self._await(segment, offset, end)
            offset += len(part)
            if part:
                self._read_on(segment, offset)
                yield part

    def close(self) -> None:
        """Begin no more requests, and break off those that run."""
        self._end(for_good=self._fetcher.waiting.over)

    def give_up(self) -> None:
        """Close, and wait for no answer, be it on a connection that others could have used."""
        self._end(for_good=True)

    def _end(self, *, for_good: bool) -> None:
        self._closed = True
        self.forget()
        with self._lock:
            kept = [*self._read.values(), self._head]
            self._read.clear()
        for segment in kept:
            segment.cut()
        self._fetcher.stop(for_good=for_good)

    def _await(self, segment: Segment, offset: int, end: int) -> memoryview:
        try:
            return segment.read(offset, end, self._fetcher.waiting)
        except VideoError:
            if self._fetcher.waiting.over:
                self._fetcher.stop(for_good=True)
            raise

    def _at(self, offset: int, end: int) -> Segment:
        """Find the segment that holds an offset, or begin one that reaches as far as `end` or the next segment."""
        with self._lock:
            if self._closed:
                raise VideoError(self.name, "was closed while it was read")
            for segment in (self._head, *reversed(self._read.values()), *self._announced):
                if segment.offset <= offset < segment.end:
                    return segment
            if self._fetcher.waiting.over:
                raise self._fetcher.waiting.error(f"bytes {offset:,} to {end - 1:,}")
            known = (self._head, *self._announced, *self._read.values())
            start = max((s.end for s in known if offset - _GAP <= s.end <= offset), default=offset)
            before = next((s.stretch for s in self._read.values() if s.end == start), 0)
            longest = _LONGEST_READ_AHEAD if self._through else _LONGER_READ_AHEAD
            stretch = min(max(_READ_AHEAD, 2 * before), longest)
            segment = self._add(start, max(end, start + stretch), stretch)
            left = [] if before else [s for s in self._read.values() if s is not segment and _is_left(s)]
        for other in left:
            other.cut()
        self._start(self._fill, segment)
        return segment

    def _read_on(self, segment: Segment, offset: int) -> None:
        """Fetch the next stretch in the background when half of one that continues another has been read."""
        if segment.stretch <= _READ_AHEAD or not self._through:
            return
        with self._lock:
            segment.reader = threading.get_ident()
            known = [self._head, *self._read.values(), *self._announced]
            if (
                self._closed
                or segment.end >= self.size
                or offset < (segment.offset + segment.end) // 2
                or any(s.offset <= segment.end < s.end for s in known)
            ):
                return
            stretch = min(2 * segment.stretch, _LONGEST_READ_AHEAD)
            following = self._add(segment.end, segment.end + stretch, stretch)
        self._start(self._fill, following)

    def _add(self, offset: int, end: int, stretch: int) -> Segment:
        """Make room for a segment nobody announced; the lock is held."""
        later = [s.offset for s in (*self._announced, *self._read.values()) if s.offset > offset]
        segment = Segment(offset, min([self.size, end, *later]), stretch=stretch)
        segment.reader = threading.get_ident()
        self._read.pop(offset, None)
        self._read[offset] = segment
        while sum(s.end - s.offset for s in self._read.values()) > _KEPT and len(self._read) > 1:
            self._read.popitem(last=False)
        return segment

    def _start(self, work: Any, *arguments: Any) -> None:
        try:
            threading.Thread(target=work, args=arguments, name="video-sft-fetch", daemon=True).start()
        except RuntimeError:  # no thread is to be had: then here and now
            work(*arguments)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._workers -= 1
                    return
                segment = self._queue.pop(0)
            self._fill(segment)

    def _fill(self, segment: Segment) -> None:
        """Fetch a segment; where its bytes stop coming, ask for the rest."""
        retries, waiting = Retries(_ATTEMPTS), self._fetcher.waiting
        try:
            while segment.wanted:
                reached = segment.reached
                try:
                    self._receive(segment)
                except TransientError as error:
                    if segment.wanted:
                        segment.pause(waiting.pause_after(error, retries, progress=segment.reached > reached))
        except BaseException as error:  # noqa: BLE001 - raised where the bytes are read
            segment.fail(error)
            with self._lock:
                if self._read.get(segment.offset) is segment:
                    del self._read[segment.offset]

    def _receive(self, segment: Segment) -> None:
        reached = segment.reached
        with closing(self._fetcher.stream(reached, segment.end - reached)) as pieces:
            for piece in pieces:
                if segment is self._head and self._fetcher.size is not None:
                    segment.shorten(self._fetcher.size)
                if not segment.add(piece):
                    return
        if segment is self._head and self._fetcher.size is not None:
            segment.shorten(self._fetcher.size)
        if segment.reached == reached and segment.wanted:
            raise TransientError("no bytes came")


def _is_left(segment: Segment) -> bool:
    """Tell whether a seek of this thread leaves much behind that is still to come."""
    return segment.reader == threading.get_ident() and segment.end - segment.reached > _READ_AHEAD


def _between(offset: int, end: int, known: Sequence[ByteRange]) -> Iterator[ByteRange]:
    """Yield the stretches from one offset to another that lie in none of those known, all as (offset, end)."""
    for start, stop in sorted(known):
        if start < end and stop > offset:
            if start > offset:
                yield offset, start
            offset = stop
    if offset < end:
        yield offset, end


def _merged(spans: Sequence[ByteRange]) -> list[ByteRange]:
    """Join spans that lie close together, each in the place of its earliest given member; return offset and end."""
    joined: list[list[int]] = []
    for order, (offset, size) in sorted(enumerate(spans), key=lambda item: item[1]):
        if joined and offset - joined[-1][1] <= _GAP:
            joined[-1][1] = max(joined[-1][1], offset + size)
            joined[-1][2] = min(joined[-1][2], order)
        else:
            joined.append([offset, offset + size, order])
    return [(offset, end) for offset, end, _ in sorted(joined, key=lambda item: item[2])]

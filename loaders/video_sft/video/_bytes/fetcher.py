"""The interface to ranges of a remote file, which looks for them on disk before it asks the server."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import closing
from typing import TypeAlias

from video_sft.video._bytes.range_cache import RangeCache, RangeWriter, Shelf
from video_sft.video._bytes.waiting import Waiting

__all__ = ["Fetcher", "Pieces"]

#: Bytes one after another, as they arrive.
Pieces: TypeAlias = Generator["bytes | memoryview", None, None]


class Fetcher(ABC):
    """Gets ranges of one file; may be used by several threads at once.

    Where there is a cache, what is not in it is fetched and kept. The first request goes to the server always: it tells
    the version, without which nothing on disk is of use.

    Attributes:
        name: for messages.
        waiting: what may still be waited; told of all bytes as they come.
        cache: holds ranges on disk, if it is turned on.
    """

    def __init__(self, name: str, cache: RangeCache | None) -> None:
        self.name = name
        self.cache = cache
        self._shelf: Shelf | None = None
        self._anew()

    def _anew(self) -> None:
        self.waiting = Waiting(self.name)

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Of the file; None until the first bytes have come."""

    @property
    @abstractmethod
    def version(self) -> str | None:
        """What tells the file from any other of its name; None where all that is known is the size, or nothing yet."""

    @abstractmethod
    def fetch(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset from the server; see `stream`."""

    def stop(self, *, for_good: bool) -> None:  # noqa: B027
        """Break off what is under way; `for_good` where the server does not deserve better."""

    def reopened(self) -> Fetcher:
        """Give a fetcher of the same file for a new handle, without a request; it knows what this one does of it."""
        other = copy.copy(self)
        other._anew()
        return other

    def stream(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset, never more, in pieces as they arrive; fewer where the answer is shorter.

        Raises:
            TransientError: the rest may come when it is asked for again.
            VideoError: it will not; for one, because the file is another than it was.
        """
        if self.cache is None or self._shelf is None:
            with closing(self.fetch(offset, size)) as pieces:
                for piece in pieces:
                    if self.cache is not None and self._shelf is None and self.version is not None:
                        self._shelf = self.cache.shelf(self.name, self.version)
                    yield piece
            return
        end = offset + size
        ranges = self._shelf.ranges()
        while offset < end:
            stored = max((r for r in ranges if r[0] <= offset < r[1]), key=lambda r: r[1], default=None)
            stop = min([end, stored[1]] if stored else [end, *(r[0] for r in ranges if r[0] > offset)])
            pieces = self._shelf.read(stored, offset, stop) if stored else self._kept(self._shelf, offset, stop)
            with closing(pieces):
                for piece in pieces:
                    yield piece
                    offset += len(piece)
            if offset < stop:
                if stored is None:
                    return
                ranges.remove(stored)

    def _kept(self, shelf: Shelf, offset: int, end: int) -> Pieces:
        with (
            closing(self.fetch(offset, end - offset)) as pieces,
            closing(RangeWriter(shelf, offset, end - offset)) as writer,
        ):
            for piece in pieces:
                writer.add(piece)
                yield piece

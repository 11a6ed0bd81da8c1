"""A fetcher that looks on disk first."""

from __future__ import annotations

import copy
from contextlib import closing

from video_sft.video._bytes.range_cache import RangeCache, Shelf
from video_sft.video._bytes.ranged import Fetcher, Pieces
from video_sft.video._bytes.waiting import Waiting

__all__ = ["CachedFetcher"]


class CachedFetcher:
    """Gets ranges from disk, and those that are not there from a server, keeping them.

    The first request goes to the server always: it tells the version, without which nothing on disk is of use.

    Args:
        fetcher: asks the server.
        cache: holds the ranges.
    """

    def __init__(self, fetcher: Fetcher, cache: RangeCache) -> None:
        self.name = fetcher.name
        self._fetcher = fetcher
        self._cache = cache
        self._shelf: Shelf | None = None

    @property
    def version(self) -> str | None:
        """What the server tells."""
        return self._fetcher.version

    @property
    def size(self) -> int | None:
        """What the server tells."""
        return self._fetcher.size

    @property
    def waiting(self) -> Waiting:
        """For the server."""
        return self._fetcher.waiting

    def stop(self, *, for_good: bool) -> None:
        """Ask the server nothing more."""
        self._fetcher.stop(for_good=for_good)

    def reopened(self) -> CachedFetcher:
        """Give a fetcher that knows the version already."""
        other = copy.copy(self)
        other._fetcher = self._fetcher.reopened()
        return other

    def stream(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset; only those that are not on disk from the server."""
        if self._shelf is None:
            with closing(self._fetcher.stream(offset, size)) as pieces:
                for piece in pieces:
                    if self._shelf is None and self.version is not None:
                        self._shelf = self._cache.shelf(self.name, self.version)
                    yield piece
            return
        end = offset + size
        ranges = self._shelf.ranges()
        while offset < end:
            stored = max((r for r in ranges if r[0] <= offset < r[1]), key=lambda r: r[1], default=None)
            stop = min([end, stored[1]] if stored else [end, *(r[0] for r in ranges if r[0] > offset)])
            pieces = self._shelf.read(stored, offset, stop) if stored else self._fetched(self._shelf, offset, stop)
            with closing(pieces):
                for piece in pieces:
                    yield piece
                    offset += len(piece)
            if offset < stop:
                if stored is None:
                    return
                ranges.remove(stored)

    def _fetched(self, shelf: Shelf, offset: int, end: int) -> Pieces:
        with (
            closing(self._fetcher.stream(offset, end - offset)) as pieces,
            closing(shelf.writer(offset, end - offset)) as writer,
        ):
            for piece in pieces:
                writer.add(piece)
                yield piece

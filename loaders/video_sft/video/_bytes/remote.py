"""The way from a URL to its bytes that needs the fewest requests."""

from __future__ import annotations

from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._bytes.fetcher import Fetcher
from video_sft.video._bytes.fsspec_file import FsspecFetcher
from video_sft.video._bytes.http_file import HttpFetcher, hub_url
from video_sft.video._bytes.range_cache import RangeCache
from video_sft.video._bytes.ranged import RangedBytes

__all__ = ["open_remote"]


def open_remote(url: str, token: str | bool | None) -> ByteSource:
    """Open a URL for random access.

    Args:
        url: ``hf://``, ``http(s)://``, or of any file system that fsspec knows, chained ones included.
        token: Hub token, or None for the logged-in user's.

    Raises:
        VideoError: there is no such file, or no such file system.
    """
    address = hub_url(url) if url.startswith("hf://") else url
    cache = RangeCache.configured()
    fetcher: Fetcher
    if address is not None and address.startswith(("http://", "https://")) and "::" not in address:
        fetcher = HttpFetcher(url, address, token, cache)
    else:
        fetcher = FsspecFetcher(url, token, cache)
    return RangedBytes(fetcher)

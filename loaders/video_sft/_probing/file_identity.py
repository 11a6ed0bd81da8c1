"""The name under which what was learnt of a file is kept: another version of it has another."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import closing

from video_sft.video._bytes.media_bytes import MediaBytes, is_local
from video_sft.video._bytes.range_cache import without_access

__all__ = ["identified", "identity_of"]

#: A file of the Hub at a commit, which never changes.
_PINNED = re.compile(r"hf://(?:datasets/|spaces/|models/)?[^/@]+/[^/@]+@[0-9a-f]{40}/")


def identity_of(source: MediaBytes) -> str:
    """Return what tells a file from all others and from other versions of itself; see `identified`."""
    return identified(source)[0]


def identified(source: MediaBytes) -> tuple[str, int | None]:
    """Return what tells a file from all others and from other versions of itself, and its size where that is known.

    That is its path, size and time of change; of an archive's member, those of the archive; of a folder of frames, the
    folder's. Of a URL it is the address without what grants access, with the size and the `ETag`, or the time, that the
    server states: one request, and none where the address has a commit in it.

    Raises:
        VideoError: there is no such file.
    """
    if source.data is not None:
        return _digest("bytes", hashlib.blake2b(source.data, digest_size=16).hexdigest()), len(source.data)
    path = source.path or ""
    outer = path.rpartition("::")[2]
    if is_local(outer):
        place = os.path.abspath(outer.removeprefix("file://"))
        try:
            status = os.stat(place)
            version = _digest(path.removesuffix(outer), place, status.st_size, status.st_mtime_ns)
            return version, status.st_size if outer == path else None
        except OSError:
            pass  # a name with "::" in it, or no such file: opening it tells
    if _PINNED.match(path):
        return _digest(path), None
    with closing(source.open()) as file:
        return _digest(without_access(path), file.size, getattr(file, "identity", ("",))[-1]), file.size


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

"""The place of a video's bytes: a local path, a URL of any fsspec file system, bytes in memory, or an open file."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from video_sft.errors import VideoError
from video_sft.video._bytes.archive_index import Members, archive_members
from video_sft.video._bytes.archive_member import open_member, split_member
from video_sft.video._bytes.byte_source import ByteSource, LocalBytes, MemoryBytes
from video_sft.video._bytes.joined import JoinedBytes, is_spanned, parts_from, split_parts
from video_sft.video._fragment import split_cut

__all__ = ["REFUSED", "WHY_REFUSED", "MediaBytes", "archive_at", "hub_token", "is_local", "media_bytes"]

#: Stands in front of a place that a row of somebody's repo names and that is none of the repo's own.
REFUSED = "refused::"
WHY_REFUSED = (
    "a row of a Hub repo names this place, which is not in that repo; load(..., allow_media=[...]) takes the "
    "beginnings of paths and URLs that may be opened"
)

_HUB_REPO = re.compile(r"hf://(?:datasets|spaces|models|buckets)/([^/@]+/[^/@]+)|/datasets/([^/]+/[^/]+)/resolve/")


def hub_token(path: str, token_per_repo_id: dict[str, str | bool | None]) -> str | bool | None:
    """Return the token `datasets` gave for the repository that the last part of a chained URL lies in."""
    match = _HUB_REPO.search(path.rsplit("::", 1)[-1])
    return token_per_repo_id.get(match[1] or match[2]) if match else None


def is_local(path: str) -> bool:
    """Tell whether a path is on this machine's own file system, rather than a URL."""
    scheme, rest = urlsplit(path).scheme, path.removeprefix("file://")
    if "::" in rest:  # a chain of URLs, unless there is none in it: a file may have that in its name
        return "://" not in rest
    return scheme in ("", "file") or (len(scheme) == 1 and os.name == "nt")


@dataclass(frozen=True)
class MediaBytes:
    """One video's bytes, not yet opened; picklable.

    Attributes:
        path: local path or URL, or None where the bytes came without a name.
        data: the whole file in memory, or None.
        token: Hub token for ``hf://`` paths, as `datasets` hands it over; None is the logged-in user's.
    """

    path: str | None
    data: bytes | None = field(default=None, repr=False)
    token: str | bool | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What messages call this video."""
        return self.path if self.path is not None else f"<{len(self.data or b''):,} bytes in memory>"

    def open(self) -> ByteSource:
        """Give random access to the bytes; the caller closes it.

        Raises:
            VideoError: the file is not there or not readable.
        """
        file = self._opened()
        if not file.size:
            file.close()
            raise VideoError(self.name, "the file is empty (0 bytes)")
        return file

    def members(self, kind: str) -> Members:
        """Return what is in this `zip` or `tar`, by name; read once for each archive and process.

        Raises:
            VideoError: it is not there or not readable.
            BadArchiveError: it is no such archive.
        """
        with closing(self._open_path(self.path or "")) as archive:
            return archive_members(archive, kind)

    def _opened(self) -> ByteSource:
        if self.data is not None:
            return MemoryBytes(self.name, self.data)
        path, _ = split_cut(self.path or "")
        if path.startswith(REFUSED):
            raise VideoError(path.removeprefix(REFUSED), WHY_REFUSED)
        inside = archive_at(path)
        if inside is None:
            return self._open_path(path)
        kind, member, archive = inside
        return open_member(self.name, self._open_path(archive.path or ""), kind, member)

    def _open_path(self, path: str) -> ByteSource:
        first = split_parts(path)
        if first is not None:
            with ExitStack() as opened:
                parts = [opened.enter_context(closing(self._open_path(part))) for part in parts_from(first, _exists)]
                opened.pop_all()
            return JoinedBytes(path, parts, spanned=is_spanned(first))
        if not is_local(path):
            from video_sft.video._bytes.remote import open_remote  # clients of servers take long to load

            return open_remote(path, self.token)
        path = os.path.abspath(path.removeprefix("file://"))
        try:
            if os.path.isdir(path):
                raise IsADirectoryError
            return LocalBytes(path)
        except FileNotFoundError as error:
            hint = "; import video_sft before datasets.load_from_disk reads the folder it was saved in"
            relative = not os.path.isabs(self.path or "") and (self.path or "").startswith("videos/")
            raise VideoError(self.name, f"no such file{hint if relative else ''}") from error
        except OSError as error:
            raise VideoError(self.name, f"cannot be opened: {error.strerror or 'it is a folder'}") from error


def archive_at(path: str) -> tuple[str, str, MediaBytes] | None:
    """Take the path of a member, or of a folder, of an archive apart.

    Returns:
        The kind, the path inside, and the archive; None where the path leads into none, or into one that only fsspec
        can read.
    """
    inside = split_member(path)
    if inside is None or (inside[0] == "tar" and not _is_at_hand(inside[2])):
        return None
    return inside[0], inside[1], MediaBytes(inside[2])


def _is_at_hand(archive: str) -> bool:
    """Tell whether an archive is a plain tar on this machine, whole or in pieces: others are left to fsspec."""
    place = split_parts(archive) or archive
    return is_local(place) and not place.lower().endswith((".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz"))


def _exists(place: str) -> bool:
    if is_local(place):
        return os.path.isfile(place.removeprefix("file://"))
    from fsspec.core import url_to_fs

    filesystem, path = url_to_fs(place)
    return bool(filesystem.isfile(path))


def media_bytes(video: object, *, token: str | bool | None = None) -> MediaBytes:
    """Turn whatever names or holds a video into a `MediaBytes`.

    Args:
        video: a path or URL (str or `os.PathLike`), bytes, an open binary file (read from its beginning, whole, unless
            it is a plain file on disk), or the storage form of a `datasets.Video` cell, ``{"path": ..., "bytes":
            ...}``.
        token: for ``hf://`` URLs.

    Raises:
        TypeError: none of these.
    """
    if isinstance(video, str):
        return MediaBytes(video, token=token)
    if isinstance(video, os.PathLike):
        return MediaBytes(str(Path(video)), token=token)
    if isinstance(video, (bytes, bytearray, memoryview)):
        return MediaBytes(None, bytes(video))
    if isinstance(video, Mapping) and (video.get("bytes") is not None or video.get("path") is not None):
        data = video.get("bytes")
        return MediaBytes(video.get("path"), None if data is None else bytes(data), token)
    if hasattr(video, "read"):
        return _of_file(video)
    raise TypeError(f"a video is a path, a URL, bytes, an open binary file or {{'path', 'bytes'}}, not {video!r:.80}")


def _of_file(file: Any) -> MediaBytes:
    name = getattr(file, "name", None)
    if isinstance(file, (io.BufferedReader, io.FileIO)) and isinstance(name, str) and os.path.isfile(name):
        return MediaBytes(os.path.abspath(name))
    if file.seekable():
        file.seek(0)
    data = file.read()
    if not isinstance(data, bytes):
        raise TypeError("a video file must be open in binary mode")
    return MediaBytes(name if isinstance(name, str) else None, data)

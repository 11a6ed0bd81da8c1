"""The file system `parts://x.zip::/data/x.zip.partaa` for fsspec: the one file that was split into pieces."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

from video_sft.video._bytes.byte_source import ReadableFile
from video_sft.video._bytes.joined import join_parts, parts_from
from video_sft.video._bytes.media_bytes import MediaBytes

__all__ = ["PartsFileSystem"]


class PartsFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The one file that was split into pieces, for readers that go by fsspec.

    Args:
        fo: the first piece's path in its own file system.
        target_protocol: that file system.
        target_options: and its options, such as a token.
    """

    protocol = "parts"
    root_marker = ""

    def __init__(
        self,
        fo: str,
        target_protocol: str | None = None,
        target_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._first = fo
        self._target = fsspec.filesystem(target_protocol or "file", **dict(target_options or {}))

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return the size of the whole, under the name asked for."""
        pieces = list(parts_from(self._first, self._target.isfile))
        return {"name": path, "type": "file", "size": sum(int(self._target.size(piece)) for piece in pieces)}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        first = self._target.unstrip_protocol(self._first).removeprefix("file://")
        return io.BufferedReader(_OwnedFile(MediaBytes(join_parts(first)).open()))


class _OwnedFile(ReadableFile):
    """A file that closes its byte source."""

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

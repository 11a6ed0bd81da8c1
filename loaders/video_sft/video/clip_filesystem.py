"""`clip://t=11.1,19.6::/data/a.mp4` for fsspec: the whole file behind a clip.

Where `datasets` saves, measures or uploads a cell it opens what the cell's path names. A clip's cell names its limits
too; opened as a file it is the file it was cut from. fsspec finds this class by the package's entry point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

__all__ = ["ClipFileSystem"]


class ClipFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The one file behind a clip, read as it is.

    Args:
        fo: the file's path in its own file system.
        target_protocol: that file system.
        target_options: and its options, such as a token.
    """

    protocol = "clip"
    root_marker = ""

    def __init__(
        self,
        fo: str,
        target_protocol: str | None = None,
        target_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._file = fo
        self._target = fsspec.filesystem(target_protocol or "file", **dict(target_options or {}))

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return what is known of the file, under the name asked for."""
        return {**self._target.info(self._file, **options), "name": path}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        return self._target.open(self._file, mode, **options)

"""`clip://t=11.1,19.6::/data/a.mp4` for fsspec: refused, with the way to read it.

A cell of a cut clip names its limits in front of the file it is cut from. Whoever opens such a cell as a file, as stock
readers and copying tools do, would get the whole file and take it for the clip. fsspec finds this class by the entry
point of the package, also where that is not imported, so that they are told instead.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fsspec import AbstractFileSystem

from video_sft.errors import VideoError

__all__ = ["ClipFileSystem"]

_REASON = (
    "this is a part of a video, and no file: read it with dataset.cast_column('video', video_sft.Video()), or with "
    "video_sft.Clip(path). A reader of whole files would show another part"
)


class ClipFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Says that a cut clip is no file.

    Args:
        fo: the file it is cut from.
        **options: those of that file's own file system, among others.
    """

    protocol = "clip"
    root_marker = ""
    cachable = False

    def __init__(self, fo: str = "", **options: Any) -> None:
        super().__init__()
        self._file = fo

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return that no bytes of it are ever saved: `datasets` asks when it plans how many files to write."""
        return {"name": path, "size": 0, "type": "file"}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> NoReturn:
        """Refuse.

        Raises:
            VideoError: always.
        """
        raise VideoError(f"clip://{path.removeprefix('clip://')}::{self._file}", _REASON)

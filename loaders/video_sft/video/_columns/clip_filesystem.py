"""The file systems that refuse, with the reason, what cells may name and no reader of files may open.

`clip://t=11.1,19.6::/data/a.mp4`, a cell of a cut clip, names its limits in front of the file it is cut from. Whoever
opens such a cell as a file, as stock readers and copying tools do, would get the whole file and take it for the clip.
fsspec finds these classes by the entry points of the package, also where that is not imported, so that they are told.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fsspec import AbstractFileSystem

from video_sft.errors import VideoError
from video_sft.video._bytes.media_bytes import WHY_REFUSED

__all__ = ["ClipFileSystem", "RefusedFileSystem"]

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


class RefusedFileSystem(ClipFileSystem):
    """Says that a row of somebody's repo may not open what it names: `refused::/etc/passwd`."""

    protocol = "refused"

    def _open(self, path: str, mode: str = "rb", **options: Any) -> NoReturn:
        raise VideoError(self._file, WHY_REFUSED)

"""Videos that are taken along where rows are saved: each once, and referred to by its place in the folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from video_sft._files import writing_whole
from video_sft.video._bytes.media_bytes import MediaBytes, is_local
from video_sft.video._fragment import clip_url, cut_url, split_cut, split_fragment
from video_sft.video._reading.frame_folder import frame_folder, frames_url, split_frames

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["VideoStore", "is_remote_video", "link_or_copy", "open_store", "placed", "storing"]

_FOLDER = "videos"
#: What cells of kept videos hold: a clip's limits, where the file was cut out, and the rate of a folder of frames, if
#: any, and a place that cannot lead out of the folder.
_HOPS = r"(?:clip://t=[0-9.e+-]*,[0-9.e+-]*::)?(?:cut://from=[0-9.e+-]+::)?(?:frames://(?:fps=[0-9.e+-]+)?::)?"
_KEPT = rf"^({_HOPS})({_FOLDER}/[0-9a-f]{{2}}/[0-9a-f]{{8}}-[\w.() -]+)$"
_BLOCK = 8 << 20
_STORE: ContextVar[VideoStore | None] = ContextVar("video_sft_store", default=None)


class VideoStore:
    """The folder that the videos of saved rows are put into, each when the first row that has it is written.

    Files are linked where the file system can do that (a hard link: it takes no room, and stays when the original is
    deleted), and copied where it cannot. Members of archives become files, folders of frames folders. What lies on a
    server stays there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[str, str] = {}

    def keep(self, cell: str) -> str:
        """Put the video a cell names, with limits or without, into the folder, once, and return its place there.

        Raises:
            VideoError: the file is not there or not readable.
        """
        path, start, stop = split_fragment(cell)
        bare, offset = split_cut(path)
        is_part, path = bare != path, bare
        location, rate = split_frames(path)
        if is_remote_video(location):
            return cell
        if location not in self._kept:
            self._kept[location] = self._put(location, path)
        kept = self._kept[location]
        place = kept if location == path else frames_url(kept, rate)
        return clip_url(cut_url(place, offset, part=is_part), start, stop)

    def _put(self, location: str, path: str) -> str:
        digest = hashlib.blake2b(location.encode(), digest_size=4).hexdigest()
        name = PurePosixPath(location.partition("::")[0].replace(os.sep, "/")).name
        name = re.sub(r"[^A-Za-z0-9_.() -]", "_", re.sub(r"^[0-9a-f]{8}-", "", name)) or "video"
        place = f"{_FOLDER}/{digest[:2]}/{digest}-{name}"
        target = self._root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        frames = frame_folder(MediaBytes(path))
        if frames is None:
            with writing_whole(target, lasting=False) as unfinished:
                link_or_copy(location, unfinished)
        else:
            target.mkdir(exist_ok=True)
            for number, image in enumerate(frames.places):
                name = f"{number:06d}{PurePosixPath(image.partition('::')[0]).suffix}"
                with writing_whole(target / name, lasting=False) as unfinished:
                    link_or_copy(image, unfinished)
        return place


def link_or_copy(location: str, target: Path) -> None:
    """Put a file, or a member of an archive, or what lies on a server, in the place of another file.

    It is linked where the file system can do that, and copied where it cannot.

    Raises:
        VideoError: it is not there or not readable.
    """
    with closing(MediaBytes(location).open()) as file:  # also where it is linked: what cannot be read is told now
        path = os.path.realpath(location.removeprefix("file://"))
        if is_local(location) and os.path.isfile(path):
            try:
                target.unlink()  # a link is made only where nothing is
                os.link(path, target)
            except OSError:
                shutil.copyfile(path, target)
            return
        with target.open("wb") as copy:
            for offset in range(0, file.size, _BLOCK):
                copy.write(file.read_at(offset, min(_BLOCK, file.size - offset)))


def placed(cells: pa.StructArray, root: str) -> pa.StructArray | None:
    """Return cells saved in a folder with the places of kept videos on this machine; None where no video was kept."""
    import pyarrow as pa  # processes that prepare videos do without
    import pyarrow.compute as pc

    paths = cells.field("path")
    if not pc.any(pc.match_substring_regex(paths, _KEPT)).as_py():
        return None
    inside = root.replace("\\", "\\\\")
    found = pc.replace_substring_regex(paths, _KEPT, rf"\1{inside}/\2")
    return pa.StructArray.from_arrays([cells.field("bytes"), found], fields=list(cells.type), mask=cells.is_null())


def is_remote_video(path: str) -> bool:
    """Return whether a path, with a clip's limits or without, leads to a server rather than to this machine."""
    return not is_local(path.rpartition("::")[2])


def open_store() -> VideoStore | None:
    """Return where the videos of rows that are being saved go; None where they are left where they are."""
    return _STORE.get()


@contextmanager
def storing(root: Path) -> Iterator[None]:
    """Take the videos of rows that are saved along into a folder."""
    token = _STORE.set(VideoStore(root))
    try:
        yield
    finally:
        _STORE.reset(token)

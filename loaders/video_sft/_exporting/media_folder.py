"""The media of an export: each file once, under a name that its content and limits give it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from video_sft._exporting.media_jobs import MediaJob
from video_sft._files import writing_whole, writing_whole_folder
from video_sft._parallel import done_in_threads
from video_sft._probing.file_identity import identity_of
from video_sft.errors import VideoError
from video_sft.video import Clip
from video_sft.video._bytes.media_bytes import MediaBytes
from video_sft.video._columns.saved_videos import link_or_copy
from video_sft.video._encoding.trimmed import write_stills, write_trimmed
from video_sft.video._fragment import split_cut
from video_sft.video._reading.frame_folder import split_frames

__all__ = ["MediaFolder", "Place"]

#: Part of the names of trimmed clips and frames; raised when they come out otherwise.
_VERSION = 1
_OTHERS = re.compile(r"[^A-Za-z0-9_() -]+", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}", re.ASCII)
#: By which the format of nameless bytes is known.
_MAGIC = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"\x1a\x45\xdf\xa3", ".mkv"))

_DEFAULT_SUFFIX = {"video": ".mp4", "image": ".jpg"}
#: Paths of what a job made, relative to the export; several for frames.
Place = tuple[str, ...]


@dataclass(frozen=True)
class MediaFolder:
    """Where the media of an export lie.

    Attributes:
        out: the export.
        name: of the folder in it.
        fps: frames a second, where there are frames.
        max_frames: of one clip.
    """

    out: Path
    name: str = "media"
    fps: float = 2.0
    max_frames: int | None = None

    def made(self, jobs: Iterable[MediaJob], *, num_threads: int) -> dict[MediaJob, Place | VideoError]:
        """Make what is not there yet, and return where everything is, or why it cannot be made.

        Raises:
            OSError: the disk is full, or cannot be written to.
        """
        wanted = list(dict.fromkeys(jobs))
        return dict(
            done_in_threads(
                self._make, wanted, num_threads=num_threads, total=len(wanted), title="preparing media", unit="files"
            )
        )

    def _make(self, job: MediaJob) -> Place | VideoError:
        (modality, source), start, stop = job.medium.medium, job.medium.start_seconds, job.medium.stop_seconds
        try:
            if job.kind == "whole":
                place = self._place(source, _suffix(source, modality), identity_of(source))
                if not (self.out / place).exists():
                    self._put(source, self.out / place)
                return (place,)
            clip = Clip.from_storage({"path": source.path, "bytes": source.data}).part(start, stop)
            if job.kind == "trim":
                place = self._place(source, ".mp4", _VERSION, identity_of(source), start, stop)
                if not (self.out / place).exists():
                    with _whole_file(self.out / place) as unfinished:
                        write_trimmed(clip, unfinished)
                return (place,)
            place = self._place(source, "", _VERSION, identity_of(source), start, stop, self.fps, self.max_frames)
            if not (self.out / place).exists():
                with writing_whole_folder(self.out / place) as unfinished:
                    write_stills(clip, unfinished, fps=self.fps, max_frames=self.max_frames)
            return tuple(f"{place}/{name}" for name in sorted(os.listdir(self.out / place)))
        except VideoError as error:
            return error

    def _place(self, source: MediaBytes, suffix: str, *identity: object) -> str:
        digest = hashlib.blake2b(repr(identity).encode(), digest_size=8).hexdigest()
        stem = PurePosixPath(
            split_frames(split_cut(source.path or "")[0])[0].partition("::")[0].replace(os.sep, "/")
        ).stem
        return f"{self.name}/{digest[:2]}/{digest}-{_OTHERS.sub('_', stem)[-80:] or 'file'}{suffix}"

    def _put(self, source: MediaBytes, target: Path) -> None:
        with _whole_file(target) as unfinished:
            if source.data is not None:
                unfinished.write_bytes(source.data)
            else:
                link_or_copy(split_cut(source.path or "")[0], unfinished)


@contextlib.contextmanager
def _whole_file(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing_whole(target) as unfinished:
        yield unfinished


def _suffix(source: MediaBytes, modality: str) -> str:
    name = PurePosixPath(split_cut(source.path or "")[0].partition("::")[0].partition("?")[0]).suffix
    if _SUFFIX.fullmatch(name):
        return name.lower()
    head = (source.data or b"")[:4]
    return next((suffix for magic, suffix in _MAGIC if head.startswith(magic)), _DEFAULT_SUFFIX[modality])

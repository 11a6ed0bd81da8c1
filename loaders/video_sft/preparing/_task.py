"""All steps of one video, in one process, with one fetch: from where it is to finished files and their facts."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from video_sft._files import NO_ROOM, digest_of, unfinished_folder
from video_sft._places import is_remote
from video_sft._probing.medium_facts import MediumFacts
from video_sft.errors import BuildError, VideoError, one_line
from video_sft.preparing import _steps as steps
from video_sft.preparing._settings import Settings
from video_sft.preparing._steps import Made
from video_sft.preparing._storage import put_file
from video_sft.video import Clip
from video_sft.video._bytes.media_bytes import MediaBytes, archive_at
from video_sft.video._columns.saved_videos import is_remote_video, link_or_copy
from video_sft.video._fragment import cut_url, split_cut
from video_sft.video._reading.frame_folder import frames_url, split_frames

__all__ = ["Prepared", "Stretch", "Wanted", "prepare_video", "stored_name"]

#: What is encoded anew whatever its size: it is slow to read, and many readers cannot.
_PICTURES = frozenset({"frames", "gif", "webp", "webp_pipe"})
#: What the system says where no file can be written at all.
_NOT_WRITABLE = frozenset({*NO_ROOM, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})


@dataclass(frozen=True)
class Stretch:
    """A part of a video that rows are about, in seconds of the whole video; None is its beginning, or its end."""

    start: float | None = None
    stop: float | None = None

    def covers(self, other: Stretch) -> bool:
        """Return whether another part lies within this one."""
        begins = self.start is None or (other.start is not None and self.start <= other.start)
        return begins and (self.stop is None or (other.stop is not None and other.stop <= self.stop))


@dataclass(frozen=True)
class Wanted:
    """A video to prepare.

    Attributes:
        video_id: of its rows.
        video_path: of its rows; None where they have none.
        source: where its bytes are.
        original: what the manifest calls that.
        version: changes with the bytes.
        parts: to be prepared; they do not overlap.
        cut: whether the file is already cut to its only part.
        size: bytes, as far as known: what is large begins first.
    """

    video_id: str
    video_path: str | None
    source: MediaBytes
    original: str
    version: str
    parts: tuple[Stretch, ...]
    cut: bool = False
    size: int = 0


@dataclass(frozen=True)
class Prepared:
    """One row of the manifest, and the file where it was not put into the root yet."""

    row: dict[str, Any]
    data: bytes | None = None


def prepare_video(settings: Settings, wanted: Wanted) -> list[Prepared]:
    """Do all steps of one video; what is wrong with it, or with a part of it, is the `error` of a row.

    Raises:
        BuildError: the disk is full, or the root cannot be written to: nothing comes of other videos either.
    """
    try:
        return _all_prepared(settings, wanted)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        place = settings.root if settings.writes else tempfile.gettempdir()
        told = f"{place} cannot be written to: {error.strerror or one_line(error)}"
        raise BuildError(f"{told}. Make room or see that it can be; the next run goes on from here") from error


def _all_prepared(settings: Settings, wanted: Wanted) -> list[Prepared]:
    with _scratch(settings) as scratch:
        try:
            source = _fetched(settings, wanted.source, scratch)
            facts = steps.probe(source)
            problem = steps.health(source) if "health" in settings.steps else None
        except VideoError as error:
            return [Prepared(_row(settings, wanted, part) | {"error": error.reason}) for part in wanted.parts]
        found = []
        whole = _fingerprint(settings, source, Stretch()) if problem is None else {}
        for part in wanted.parts:
            row = _row(settings, wanted, part) | _of_original(facts)
            if problem is not None:
                found.append(Prepared(row | {"error": problem}))
                continue
            try:
                row |= {f"original_{name}": text for name, text in whole.items()}
                inside = Stretch() if wanted.cut else part
                is_all = steps.is_whole(facts, inside.start, inside.stop)
                row |= whole if is_all else _fingerprint(settings, source, inside)
                found.append(_prepared(settings, wanted, part, source, facts, row, scratch))
            except VideoError as error:
                found.append(Prepared(row | {"error": error.reason}))
        return found


def stored_name(file: Path) -> str:
    """Return the path of a file within a root: its content's own."""
    with file.open("rb") as content:
        name = digest_of(content)[0][:32]
    return f"media/{name[:2]}/{name}{file.suffix}"


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """Give a folder for unfinished files, on the root's own disk where that is one of this machine.

    One that a killed process has left goes when the next begins.
    """
    local = settings.writes and not settings.returned and not is_remote(settings.root)
    parent = Path(settings.root if local else tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(parent, mode=0o700) as folder:
        yield folder


def _fetched(settings: Settings, source: MediaBytes, scratch: Path) -> str:
    """Return where the steps read a video: where it is, or a copy where that is another machine or memory."""
    target = scratch / f"original{_suffix(source.path or '')}"
    if source.data is not None:
        target.write_bytes(source.data)
        return str(target)
    path, offset = split_cut(source.path or "")
    if not is_remote_video(path) or set(settings.steps) == {"probe"}:
        return source.path or ""
    folder, rate = split_frames(path)
    archive = archive_at(folder) if folder != path else None
    if archive is not None:  # pictures in a zip on a server: the zip is fetched
        kind, inside, outer = archive
        link_or_copy(outer.path or "", target)
        return cut_url(frames_url(f"{kind}://{inside}::{target}", rate), offset)
    link_or_copy(path, target)
    return cut_url(str(target), offset)


def _prepared(
    settings: Settings,
    wanted: Wanted,
    part: Stretch,
    source: str,
    facts: MediumFacts,
    row: dict[str, Any],
    scratch: Path,
) -> Prepared:
    inside = Stretch() if wanted.cut else part
    made = _made(settings, inside, source, facts, scratch) if settings.writes else None
    if made is None:
        return Prepared(row | _told(facts, 0.0))
    file = Path(split_frames(made.location)[0].rpartition("::")[2])
    offset = made.timeline_offset + (part.start or 0.0 if wanted.cut else 0.0)
    relative = stored_name(file)
    row |= _told(steps.probe(made.location), offset) | {
        "location": made.location.replace(str(file), relative),
        "bytes": file.stat().st_size,
        "note": made.note,
    }
    if settings.returned:
        data = file.read_bytes()
        file.unlink()
        return Prepared(row, data)
    put_file(settings.root, relative, file)
    return Prepared(row)


def _made(settings: Settings, part: Stretch, source: str, facts: MediumFacts, scratch: Path) -> Made:
    """Make the file of a part: pictures, a smaller video, its frames as they are, or all of it as it is."""
    wanted = set(settings.steps)
    limits: dict[str, Any] = {"start": part.start, "stop": part.stop}
    video = facts.metadata
    assert video is not None
    if "frames" in wanted:
        fps = 2.0 if settings.max_fps is None else settings.max_fps
        size = settings.size if "transcode" in wanted else None
        return steps.frames(source, scratch / "frames.zip", fps=fps, size=size, **limits)
    target = scratch / "made.mp4"
    form: dict[str, Any] = {name: getattr(settings, name) for name in ("quality", "key_seconds", "encoder")}
    smaller = min(video.width, video.height) > settings.worth * settings.size
    fewer = settings.max_fps is not None and video.fps > settings.worth * settings.max_fps
    pictures = video.container in _PICTURES
    if "transcode" in wanted and (smaller or fewer or pictures):
        rate = settings.max_fps if fewer else None
        return steps.transcode(source, target, size=settings.size, max_fps=rate, **limits, **form)
    note = None
    if "transcode" in wanted:
        note = f"{video.width} x {video.height} at {video.fps:g} frames a second is small enough"
    if not steps.is_whole(facts, part.start, part.stop):
        made = steps.trim(source, target, copy=settings.trim == "copy", **limits, **form)
        return replace(made, note="; ".join(filter(None, [note, made.note])) or None)
    if pictures:
        return steps.transcode(source, target, size=None, **limits, **form)
    target = scratch / f"whole{_suffix(source) or '.mp4'}"
    location, offset = split_cut(source)
    link_or_copy(location, target)
    return Made(str(target), offset, f"left as it is{f': {note}' if note else ''}")


def _row(settings: Settings, wanted: Wanted, part: Stretch) -> dict[str, Any]:
    return {
        "video_id": wanted.video_id,
        "video_path": wanted.video_path,
        "start": part.start,
        "stop": part.stop,
        "original": wanted.original,
        "version": wanted.version,
        "steps": settings.told,
        "original_bytes": wanted.size or None,
    }


def _fingerprint(settings: Settings, source: str, part: Stretch) -> dict[str, str | None]:
    """Return the fingerprint of a part; that it cannot be made is no reason to give the video up."""
    if "fingerprint" not in settings.steps:
        return {}
    try:
        return {"fingerprint": steps.fingerprint(Clip(source, part.start, part.stop), num_threads=1)}
    except VideoError:
        return {"fingerprint": None}


def _of_original(facts: MediumFacts) -> dict[str, Any]:
    return {"original_duration": None if facts.metadata is None else facts.metadata.duration_seconds}


def _told(facts: MediumFacts, offset: float) -> dict[str, Any]:
    video = facts.metadata
    assert video is not None
    return {
        "timeline_offset": offset,
        "duration": video.duration_seconds,
        "fps": video.fps,
        "frames": video.num_frames,
        "size": {"width": facts.width, "height": facts.height},
        "sound": video.audio is not None,
        "facts": orjson.dumps(asdict(facts)).decode(),
    }


def _suffix(path: str) -> str:
    name = split_frames(split_cut(path)[0])[0].partition("::")[0].partition("?")[0]
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix[1:].isalnum() and len(suffix) <= 6 and suffix.isascii() else ""

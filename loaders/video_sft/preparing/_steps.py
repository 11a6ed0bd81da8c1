"""The steps by themselves: pure functions from a file and parameters to a file and facts, for any engine.

They need nothing of `datasets`. A source is anything that `video_sft.Clip` opens; where it lies on a server, fetch it
first if several steps read it.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from video_sft._probing.medium_facts import MediumFacts, video_facts
from video_sft.errors import VideoError
from video_sft.fingerprints import fingerprint
from video_sft.video import Clip
from video_sft.video._bytes.media_bytes import media_bytes
from video_sft.video._encoding.clip_file import Form, exact_shown, usable_encoder, write_clip
from video_sft.video._encoding.sound import SoundError
from video_sft.video._encoding.stream_copy import copy_part
from video_sft.video._encoding.trimmed import write_stills
from video_sft.video._reading.frame_folder import frames_url
from video_sft.video._reading.health import what_is_wrong
from video_sft.video._timeline import ImpossibleTimeError

__all__ = ["FRAMES", "Made", "fingerprint", "frames", "health", "is_whole", "probe", "transcode", "trim"]

#: Folder of the pictures in the zip that `frames` writes.
FRAMES = "frames"
#: Near enough to be the beginning or the end of a video.
_SAME_MOMENT = 1e-6


@dataclass(frozen=True)
class Made:
    """A file that a step has made.

    Attributes:
        location: of the file; what `video_sft.Clip` opens.
        timeline_offset: second of the original at which the file's clock shows 0: a moment `t` of the original is at
            `t - timeline_offset` in the file.
        note: what a user may want to know, such as that the frames are copied.
    """

    location: str
    timeline_offset: float = 0.0
    note: str | None = None


def probe(source: Any) -> MediumFacts:
    """Return length, rate, size and sound of a video, without decoding it.

    Raises:
        VideoError: it cannot be read.

    Example:
        >>> from video_sft.preparing import probe
        >>> probe("a.mp4").metadata.fps
    """
    return video_facts(media_bytes(source))


def health(source: Any) -> str | None:
    """Decode all of a video; return what is wrong with it, None where every frame decodes."""
    return what_is_wrong(source)


def trim(
    source: Any,
    target: str | os.PathLike[str],
    *,
    start: float | None = None,
    stop: float | None = None,
    copy: bool = False,
    quality: int = 23,
    key_seconds: float | None = 1.0,
    encoder: str = "auto",
) -> Made:
    """Write a part of a video as an MP4 file with exactly its frames, at their own times, and its sound.

    Frames are copied where the part begins at a key frame and their file gives them back as they are; else the part is
    encoded anew. The file begins with the frame that is shown at `start`.

    Args:
        source: the video.
        target: the file to write; its name ends in `.mp4`.
        start: in seconds; None is the beginning.
        stop: in seconds; None is the end.
        copy: never encode where that can be avoided by beginning at the key frame before `start`: the file has
            more than the part, and `timeline_offset` says from when on.
        quality: x264's rate factor, where frames are encoded.
        key_seconds: from key frame to key frame, where frames are encoded.
        encoder: `libx264`, `h264_nvenc`, or `auto` for the best that works on this machine.

    Raises:
        VideoError: the video cannot be read, or has nothing between these seconds.
    """
    clip, file = Clip(source), Path(target)
    offset, note = _with_sound(lambda sound: copy_part(clip, file, start, stop, early=copy, sound=sound))
    if offset is not None:
        return Made(str(file), offset, _joined("its frames are copied", note))
    made = transcode(
        source,
        target,
        start=start,
        stop=stop,
        size=None,
        quality=quality,
        key_seconds=key_seconds,
        encoder=encoder,
    )
    return Made(made.location, made.timeline_offset, _joined("could not be copied" if copy else None, made.note))


def transcode(
    source: Any,
    target: str | os.PathLike[str],
    *,
    start: float | None = None,
    stop: float | None = None,
    size: int | None = 224,
    max_fps: float | None = None,
    quality: int = 23,
    key_seconds: float | None = 1.0,
    encoder: str = "auto",
) -> Made:
    """Write a video, or a part of it, smaller and with a key frame each second: what training reads many times.

    Every frame keeps its own time, so that a variable rate stays one and any moment shows the frame it did. Sound is
    kept, as AAC. A size below `size` stays.

    Args:
        source: the video.
        target: the file to write; its name ends in `.mp4`.
        start: in seconds; None is the beginning.
        stop: in seconds; None is the end.
        size: shortest side, in pixels; None keeps the size.
        max_fps: take only frames shown every `1 / max_fps` seconds; None takes all.
        quality: x264's rate factor: more is smaller and worse.
        key_seconds: from key frame to key frame.
        encoder: `libx264`, `h264_nvenc`, or `auto` for the best that works on this machine.

    Raises:
        VideoError: the video cannot be read, or has nothing between these seconds.
    """
    clip, file = Clip(source), Path(target)
    facts = clip.metadata
    short = None if size is None or size >= min(facts.width, facts.height) else size
    form = Form(short, key_seconds, quality, usable_encoder() if encoder == "auto" else encoder)

    def shown_of(timeline: Any) -> Any:
        try:
            return exact_shown(timeline, start, stop, max_fps)
        except ImpossibleTimeError as error:
            raise VideoError(clip.path or "the video", str(error)) from error

    shown, note = _with_sound(lambda sound: write_clip(clip, file, shown_of, form, sound=sound))
    return Made(str(file), shown.begin_seconds, note)


def frames(
    source: Any,
    target: str | os.PathLike[str],
    *,
    start: float | None = None,
    stop: float | None = None,
    fps: float = 2.0,
    size: int | None = 224,
) -> Made:
    """Write the frames shown every `1 / fps` seconds as JPEG files in one zip, which is read in place.

    Args:
        source: the video.
        target: the zip to write.
        start: in seconds; None is the beginning.
        stop: in seconds; None is the end.
        fps: frames a second.
        size: shortest side, in pixels; smaller ones stay; None keeps all.

    Raises:
        VideoError: the video cannot be read, or has nothing between these seconds.
    """
    clip, file = Clip(source).part(start, stop), Path(target)
    facts = clip.metadata
    begin, end = facts.within(start, stop)
    if end <= begin:
        raise VideoError(clip.path or "the video", f"there is nothing from {start} s to {stop} s in it")
    short = None if size is None or size >= min(facts.width, facts.height) else size
    with TemporaryDirectory(dir=file.parent, prefix=".unfinished-") as folder, zipfile.ZipFile(file, "w") as archive:
        write_stills(clip, Path(folder), fps=fps, short_side=short)
        for name in sorted(os.listdir(folder)):
            member = zipfile.ZipInfo(f"{FRAMES}/{name}")  # of 1980: the same pictures are the same file
            archive.writestr(member, Path(folder, name).read_bytes())
    return Made(frames_url(f"zip://{FRAMES}::{file}", fps), begin)


def is_whole(facts: MediumFacts, start: float | None, stop: float | None) -> bool:
    """Return whether a part of a video is all of it."""
    video = facts.metadata
    assert video is not None
    return (start is None or start <= video.begin_seconds + _SAME_MOMENT) and (
        stop is None or stop >= video.end_seconds - _SAME_MOMENT
    )


def _with_sound(write: Any) -> tuple[Any, str | None]:
    """Write a file; once more without its sound, which is said, where that cannot be read and the frames can."""
    try:
        return write(True), None
    except SoundError as error:
        return write(False), f"its sound is left out: {error.reason}"


def _joined(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None

"""The job that each row's medium needs, decided by the facts about its file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from video_sft._probing.medium_facts import Facts, MediumFacts
from video_sft._probing.probe import clip_seconds
from video_sft._probing.row_media import RowMedium
from video_sft.errors import VideoError
from video_sft.video._fragment import split_cut

__all__ = ["Clips", "MediaJob", "Need", "need_of"]

Clips: TypeAlias = Literal["keys", "trim", "frames"]
_SAME_MOMENT = 1e-6
#: What trainers' readers of videos cannot read, as little as a video of one frame: it is encoded anew.
_PICTURES = frozenset({"frames", "gif", "webp", "webp_pipe"})


@dataclass(frozen=True)
class MediaJob:
    """One file, or folder of frames, to be made; rows with the same one share it.

    Attributes:
        kind: `whole` puts the file as it is, `trim` its clip, `frames` images of it.
        medium: the file, and the limits of the clip; a whole file has none.
    """

    kind: Literal["whole", "trim", "frames"]
    medium: RowMedium


@dataclass(frozen=True)
class Need:
    """What a row needs.

    Attributes:
        job: what is to be made.
        limits: start and stop that the reader has to be told, in seconds of the file.
        instead: whether the clip is trimmed though limits were asked for.
    """

    job: MediaJob
    limits: tuple[float, float] | None = None
    instead: bool = False


def need_of(each: RowMedium, facts: Facts, clips: Clips) -> Need | str:
    """Return what a row needs, or why it cannot be exported.

    Args:
        each: the row's medium.
        facts: about its file.
        clips: how the limits of clips are to be told.
    """
    modality, source = each.medium
    if isinstance(facts, VideoError):
        return f"the {modality} cannot be read"
    whole = RowMedium(each.medium)
    video = facts.metadata
    if video is None:
        return Need(MediaJob("whole", whole))
    if clip_seconds(each, video) is None:
        return "the clip is not within its video"
    begin, end = video.begin_seconds, video.end_seconds
    start, stop = each.start_seconds or 0.0, end if each.stop_seconds is None else each.stop_seconds
    bare, offset = split_cut(source.path or "")
    # A file cut out for the row begins with the frame shown at its start, which may have begun a little earlier.
    slack = 1 / video.fps if bare != (source.path or "") else _SAME_MOMENT
    cut = start > begin + slack or stop < end - slack
    part = each if cut else whole
    if clips == "frames":
        return Need(MediaJob("frames", part))
    if video.container in _PICTURES or video.num_frames < 2:
        return Need(MediaJob("trim", part), instead=clips == "keys" and cut)
    if not cut:
        return Need(MediaJob("whole", whole))
    if clips == "trim":
        return Need(MediaJob("trim", part))
    if _countable(start - offset, stop - offset, begin - offset, facts, video.fps, video.num_frames):
        return Need(MediaJob("whole", whole), (start - offset, stop - offset))
    return Need(MediaJob("trim", part), instead=True)


def _countable(start: float, stop: float, begin: float, facts: MediumFacts, fps: float, num_frames: int) -> bool:
    """Return whether readers who count frames by the average rate from the file's first find those of the clip.

    ms-swift and qwen-vl-utils do: the first frame is `start * fps` rounded up, the last `stop * fps` rounded down, and
    they refuse fewer than two.
    """
    last = min(math.floor(stop * fps), num_frames - 1)
    return facts.even and abs(begin) * fps < 0.5 and math.ceil(start * fps) < last

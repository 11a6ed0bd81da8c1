"""Ids of the videos that VideoChat2-IT's files show: the same for the same video, whatever its file is called.

Files are often clips: scenes of an ActivityNet video, ten seconds of a Kinetics one. The id is that of the whole video,
so that a clip of a test video is known for what it is; the path tells the clips of one video apart
(`video_sft._rows.schema.clip_name`). Names that do not show which video they are of keep an id of their own.
"""

from __future__ import annotations

import re

__all__ = ["video_of"]

#: Pools whose file names alone tell an item from all others, in whatever folder a row has it.
_NAMED_POOLS = frozenset({"activitynet", "clevrer", "didemo", "internvid", "oops", "ssv2", "tgif", "vidor", "webvid"})
_YOUTUBE = r"[A-Za-z0-9_-]{11}"
#: Of LLaVA-Hound's videos, those with scenes are ActivityNet's, numbers are WebVid's, the others are shorts of VIDAL's
#: (https://github.com/RifleZhang/LLaVA-Hound-DPO/issues/10).
_SCENE = re.compile(rf"(v_{_YOUTUBE})(?:-Scene-\d+)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
_PLAIN_YOUTUBE = re.compile(_YOUTUBE, re.ASCII)
#: Kinetics clips: `<id>` in Kinetics-400's folder, `<id>_<from>_<to>` in those of 600 and 700. UVO's are of Kinetics.
_KINETICS = re.compile(rf"({_YOUTUBE})(?:_\d{{6}}_\d{{6}})?", re.ASCII)
#: InternVid clips: `<id>` with the times of the clip behind it.
_TIMED = re.compile(rf"({_YOUTUBE})_\d[\d.:]*[_-]\d[\d.:]*", re.ASCII)
#: Numbered clips in a folder of their video: `training/101/<YouTube id>/split_0`, `<Ego4D uid>/split_0`.
_SPLIT = re.compile(rf"(?:.*/)?({_YOUTUBE}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})/split_\d+", re.ASCII)
_SECOND_SUFFIX = re.compile(r"\.(?:mp4|avi|mov|mpg|3gp|wmv|m4v|mpeg)", re.IGNORECASE)


def video_of(pool: str, path: str) -> tuple[str, str]:
    """Return the collection a video belongs to and its id there.

    Args:
        pool: the media pool its file lies in.
        path: the file's path in the pool, without the suffix.
    """
    name = path.rpartition("/")[2]
    if pool == "sharegptvideo":
        return _llava_hound(path, name)
    if pool in ("k710", "uvo"):
        match = _KINETICS.fullmatch(name)
        return ("k710", match[1]) if match else (pool, path)
    if pool in ("youcook2", "egoqa"):
        match = _SPLIT.fullmatch(path)
        return ("ego4d" if pool == "egoqa" else pool, match[1]) if match else (pool, path)
    if pool == "internvid":
        match = _TIMED.fullmatch(name)
        return pool, match[1] if match else name
    if pool == "didemo":
        return pool, _SECOND_SUFFIX.sub("", name)
    return pool, name if pool in _NAMED_POOLS else path


def _llava_hound(path: str, name: str) -> tuple[str, str]:
    if match := _SCENE.fullmatch(name):
        return "activitynet", match[1]
    if _NUMBER.fullmatch(name):
        return "webvid", name
    return ("vidal", name) if _PLAIN_YOUTUBE.fullmatch(name) else ("sharegptvideo", path)

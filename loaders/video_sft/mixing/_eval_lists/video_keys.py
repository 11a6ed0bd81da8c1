"""Names by which the same footage is known in several pools: YouTube ids and Ego4D uids inside a `video_id`.

`activitynet/v_<id>`, `k710/k600/train/<class>/<id>_000003_000013` and `youcook2/train/101/<id>/split_0` are cut from
uploads that a benchmark names by their YouTube id alone. Both are compared as `youtube/<id>`; Ego4D's as `ego4d/<uid>`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["YOUTUBE_POOLS", "key_digest", "keys_of_entry", "origins", "with_origins"]

#: Pools of evaluation lists whose ids begin with a YouTube id, and what stands before it.
YOUTUBE_POOLS = {
    **dict.fromkeys(("youtube", "internvid", "k710", "msvd", "uvo", "vatex", "youcook2"), ""),
    "activitynet": "v_",
}
_YOUTUBE_ID = r"[A-Za-z0-9_-]{11}"
_UID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: Whether there may be a name in an id at all; without groups and look-around, so that Arrow can ask it of a column.
_CANDIDATE = rf"/(?:v_)?{_YOUTUBE_ID}(?:[_.+ /-]|$)|{_UID}"
#: Ids that are a number and nothing else, as VidOR's and WebVid's, which are many.
_NUMBER = r"^[^/]*/[0-9]+$"
_STARTS_WITH_ID = re.compile(rf"({_YOUTUBE_ID})(?:[_.+ -]|$)")
_HAS_UID = re.compile(_UID)


def origins(video_id: str) -> tuple[str, ...]:
    """Return what an id's footage may be called elsewhere: `youtube/<id>`, `ego4d/<uid>`; mostly nothing.

    Every part of the path that reads as a YouTube id, alone or followed by times, counts, with and without a leading
    `v_`. It is for comparing with known ids: a folder such as `riding_bike` reads as one as well, and is equal to none.
    """
    _, _, rest = video_id.partition("/")
    found = [f"ego4d/{uid}" for uid in _HAS_UID.findall(rest)]
    for name in reversed(rest.split("/")):
        for text in (name, name[2:]) if name.startswith("v_") else (name,):
            match = _STARTS_WITH_ID.match(text)
            if match and not match[1].isdecimal():
                found.append(f"youtube/{match[1]}")
    return tuple(found)


def with_origins(video_ids: pa.Array) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield position, id and names of the ids that may name footage known elsewhere; null ids have no names."""
    mask = pc.and_not(
        pc.match_substring_regex(video_ids, _CANDIDATE), pc.match_substring_regex(video_ids, _NUMBER)
    ).fill_null(False)
    places: npt.NDArray[np.int64] = np.flatnonzero(mask.to_numpy(zero_copy_only=False))
    for place, video_id in zip(places.tolist(), video_ids.take(pa.array(places)).to_pylist(), strict=True):
        yield place, video_id, origins(video_id)


def keys_of_entry(video_id: str) -> tuple[str, ...]:
    """Return what a row may be called to be one on this video of a list: the id itself, and its footage's name."""
    pool, _, rest = video_id.partition("/")
    if pool in YOUTUBE_POOLS:
        prefix = YOUTUBE_POOLS[pool]
        for name in reversed(rest.split("/")):
            match = _STARTS_WITH_ID.match(name.removeprefix(prefix)) if name.startswith(prefix) else None
            if match:
                return tuple(dict.fromkeys((video_id, f"youtube/{match[1]}")))
    return (video_id,)


def key_digest(key: str) -> int:
    """Return the 64-bit number that stands for an id or a name in lists that may not have the ids themselves."""
    content = hashlib.blake2b(key.encode("utf-8", "surrogatepass") + b"\0", digest_size=8)
    return int.from_bytes(content.digest(), "little") or 1

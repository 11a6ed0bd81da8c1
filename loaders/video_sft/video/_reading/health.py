"""The check of a whole video file: every frame is decoded once, and thrown away."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.media_bytes import media_bytes
from video_sft.video._reading.exact_frames import better_track
from video_sft.video._reading.frame_decoding import undecodable
from video_sft.video._streams.indexed import indexed_track
from video_sft.video._streams.scanned import unindexed_track

__all__ = ["what_is_wrong"]


def what_is_wrong(path: str | Path, *, num_threads: int = 1) -> str | None:
    """Decode all of a video and say what is wrong with it.

    Damage that the decoder itself does not notice stays unnoticed here as well: none of the usual codecs has checksums.

    Returns:
        The reason, as a user would want to read it, or None when every frame decodes.
    """
    try:
        with closing(media_bytes(path).open()) as file:
            track = (indexed_track(file, None) or unindexed_track(file, None)).only_whole()
            failures = undecodable(file, track, np.arange(len(track.timeline)), num_threads)
            better = better_track(file, None, track, failures) if failures else None
            if better is not None:
                track = better.only_whole()
                failures = undecodable(file, track, np.arange(len(track.timeline)), num_threads)
    except VideoError as error:
        return error.reason
    if not failures:
        return None
    number, reason = min(failures.items())
    moment = track.timeline.seconds(np.array([number]))[0]
    return (
        f"{len(failures):,} of {len(track.timeline):,} frames cannot be decoded, "
        f"the first is frame {number} at {moment:.2f} s: {reason}"
    )

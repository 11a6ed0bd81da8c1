"""Videos that open nothing until a frame is asked for, and then read only what the frame needs."""

from __future__ import annotations

from video_sft.video._batch import read_frames
from video_sft.video._bytes.range_cache import cache_ranges
from video_sft.video._bytes.waiting import limit_waiting
from video_sft.video._clip import Clip
from video_sft.video._columns.feature import Video
from video_sft.video._columns.kept_columns import keep_columns
from video_sft.video._decoding.sizing import PixelBudget
from video_sft.video._fragment import clip_url, split_fragment, with_fragment
from video_sft.video._frames import Audio, AudioTrack, Frames, Replacement, VideoMetadata

__all__ = [
    "Audio",
    "AudioTrack",
    "Clip",
    "Frames",
    "PixelBudget",
    "Replacement",
    "Video",
    "VideoMetadata",
    "cache_ranges",
    "clip_url",
    "limit_waiting",
    "read_frames",
    "split_fragment",
    "with_fragment",
]

keep_columns()

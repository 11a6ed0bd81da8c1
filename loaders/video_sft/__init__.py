"""Eight video instruction and video-QA sources as one `datasets` package.

Example:
    >>> import video_sft
    >>> rows = video_sft.load("next_qa", sample=True, split="train")
    >>> rows[0]["video"].frames(count=4).data.shape
    (4, 144, 192, 3)
"""

from video_sft.builders import configs, sources
from video_sft.errors import (
    ConfigError,
    MissingFileError,
    MissingMediaError,
    RowError,
    UnsafePathError,
    VideoError,
    VideoSftError,
)
from video_sft.loading import load
from video_sft.messages import validate_messages
from video_sft.reports import SkippedRow, skipped_rows
from video_sft.rows import features
from video_sft.video import Clip, Video

__all__ = [
    "Clip",
    "ConfigError",
    "MissingFileError",
    "MissingMediaError",
    "RowError",
    "SkippedRow",
    "UnsafePathError",
    "Video",
    "VideoError",
    "VideoSftError",
    "configs",
    "features",
    "load",
    "skipped_rows",
    "sources",
    "validate_messages",
]

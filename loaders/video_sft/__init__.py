"""Eight video instruction and video-QA sources as one `datasets` package.

Each name is imported when it is first used: `import video_sft` takes milliseconds, and clips do without `datasets`.

Example:
    >>> import video_sft
    >>> rows = video_sft.load("next_qa", sample=True, split="train")
    >>> rows[0]["video"].frames(count=4).data.shape
    (4, 144, 192, 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from video_sft import _import_hooks, _lazy_names

if TYPE_CHECKING:
    from video_sft._exporting.export import export
    from video_sft._exporting.report import ExportReport
    from video_sft._loading import load
    from video_sft._probing.lengths import lengths
    from video_sft._probing.probe import probe
    from video_sft._rows.messages import validate_messages
    from video_sft._rows.schema import features
    from video_sft._rows.skipped_rows import SkippedRow, skipped_rows
    from video_sft.builders import configs, sources
    from video_sft.errors import (
        BrokenFileError,
        BuildError,
        ConfigError,
        MissingFileError,
        MissingMediaError,
        RowError,
        UnsafePathError,
        VideoError,
        VideoSftError,
    )
    from video_sft.mixing import MixReport, describe, mix, shard
    from video_sft.preparing import PrepareReport, prepare
    from video_sft.publishing import PublishReport, fetch_videos, publish, relink, unpublish
    from video_sft.video import (
        Audio,
        Clip,
        Frames,
        PixelBudget,
        Video,
        VideoMetadata,
        cache_ranges,
        contact_sheet,
        limit_waiting,
        read_frames,
    )

__version__ = "0.1.0"
__all__ = [
    "Audio",
    "BrokenFileError",
    "BuildError",
    "Clip",
    "ConfigError",
    "ExportReport",
    "Frames",
    "MissingFileError",
    "MissingMediaError",
    "MixReport",
    "PixelBudget",
    "PrepareReport",
    "PublishReport",
    "RowError",
    "SkippedRow",
    "UnsafePathError",
    "Video",
    "VideoError",
    "VideoMetadata",
    "VideoSftError",
    "cache_ranges",
    "configs",
    "contact_sheet",
    "describe",
    "export",
    "features",
    "fetch_videos",
    "lengths",
    "limit_waiting",
    "load",
    "mix",
    "prepare",
    "probe",
    "publish",
    "read_frames",
    "relink",
    "shard",
    "skipped_rows",
    "sources",
    "unpublish",
    "validate_messages",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy_names.attach(
        __name__,
        {
            "video_sft._exporting.export": ("export",),
            "video_sft._exporting.report": ("ExportReport",),
            "video_sft._loading": ("load",),
            "video_sft._probing.lengths": ("lengths",),
            "video_sft._probing.probe": ("probe",),
            "video_sft._rows.messages": ("validate_messages",),
            "video_sft._rows.schema": ("features",),
            "video_sft._rows.skipped_rows": ("SkippedRow", "skipped_rows"),
            "video_sft.builders": ("configs", "sources"),
            "video_sft.errors": (
                "BrokenFileError",
                "BuildError",
                "ConfigError",
                "MissingFileError",
                "MissingMediaError",
                "RowError",
                "UnsafePathError",
                "VideoError",
                "VideoSftError",
            ),
            "video_sft.mixing": ("MixReport", "describe", "mix", "shard"),
            "video_sft.preparing": ("PrepareReport", "prepare"),
            "video_sft.publishing": ("PublishReport", "fetch_videos", "publish", "relink", "unpublish"),
            "video_sft.video": (
                "Audio",
                "Clip",
                "Frames",
                "PixelBudget",
                "Video",
                "VideoMetadata",
                "cache_ranges",
                "contact_sheet",
                "limit_waiting",
                "read_frames",
            ),
        },
        modules=[
            "builders",
            "checking",
            "errors",
            "fingerprints",
            "mixing",
            "preparing",
            "publishing",
            "sample_media",
            "source_kit",
            "testing",
            "video",
        ],
    )
_import_hooks.install()

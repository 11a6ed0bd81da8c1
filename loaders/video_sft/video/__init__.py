"""Videos that open nothing until a frame is asked for, and then read only what the frame needs.

Modules import in one direction, from the front to the back:

- `_columns` (clips in `datasets`), `_batch` (many clips at once), `_clip`: the front
- `_reading`: the frames and the sound of one file
- `_streams`: one stream understood, its frames and their times
- `_decoding`: from packets to pictures
- `_headers`: facts that containers and codecs state
- `_bytes`: the bytes of a file, wherever it is

`_notebook` shows a clip, `_encoding` writes one as a file of its own. `_frames`, `_fragment`, `_sampling` and
`_timeline` are words that all of them may use, as is `_contact_sheet`, which knows of a clip only what it gives.
`datasets` is imported by `_columns` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from video_sft import _lazy_names

if TYPE_CHECKING:
    from video_sft.video._batch import read_frames
    from video_sft.video._bytes.range_cache import cache_ranges
    from video_sft.video._bytes.waiting import limit_waiting
    from video_sft.video._clip import Clip
    from video_sft.video._columns.feature import Video
    from video_sft.video._contact_sheet import contact_sheet
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
    "contact_sheet",
    "limit_waiting",
    "read_frames",
    "split_fragment",
    "with_fragment",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy_names.attach(
        __name__,
        {
            "video_sft.video._batch": ("read_frames",),
            "video_sft.video._bytes.range_cache": ("cache_ranges",),
            "video_sft.video._bytes.waiting": ("limit_waiting",),
            "video_sft.video._clip": ("Clip",),
            "video_sft.video._columns.feature": ("Video",),
            "video_sft.video._contact_sheet": ("contact_sheet",),
            "video_sft.video._decoding.sizing": ("PixelBudget",),
            "video_sft.video._fragment": ("clip_url", "split_fragment", "with_fragment"),
            "video_sft.video._frames": ("Audio", "AudioTrack", "Frames", "Replacement", "VideoMetadata"),
        },
    )

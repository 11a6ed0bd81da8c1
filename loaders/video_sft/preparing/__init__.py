"""Videos made ready for training: probed, trimmed, made small, on one machine or on a cluster.

`prepare` does it for all videos of rows. The steps by themselves are functions for any other engine; they need nothing
of `datasets`:

>>> from video_sft.preparing import transcode
>>> made = transcode("a.mp4", "a-224.mp4", start=11.1, stop=19.6)
>>> made.timeline_offset  # second of the original at which the file begins
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from video_sft import _lazy_names

if TYPE_CHECKING:
    from video_sft.preparing._manifest import read_manifest
    from video_sft.preparing._prepare import prepare
    from video_sft.preparing._report import PrepareReport
    from video_sft.preparing._steps import Made, fingerprint, frames, health, probe, transcode, trim
    from video_sft.preparing._storage import location_in

__all__ = [
    "Made",
    "PrepareReport",
    "fingerprint",
    "frames",
    "health",
    "location_in",
    "prepare",
    "probe",
    "read_manifest",
    "transcode",
    "trim",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy_names.attach(
        __name__,
        {
            "video_sft.preparing._manifest": ("read_manifest",),
            "video_sft.preparing._prepare": ("prepare",),
            "video_sft.preparing._report": ("PrepareReport",),
            "video_sft.preparing._steps": ("Made", "fingerprint", "frames", "health", "probe", "transcode", "trim"),
            "video_sft.preparing._storage": ("location_in",),
        },
    )

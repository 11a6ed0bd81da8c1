"""Publication on the Hub: the way there, and the way back."""

from video_sft.publishing._fetching import fetch_videos
from video_sft.publishing._publisher import publish
from video_sft.publishing._reading import load_published
from video_sft.publishing._relinking import RelinkReport, relink
from video_sft.publishing._report import ConfigReport, PublishReport, RepoReport, SplitReport, VideoTotals
from video_sft.publishing._unpublishing import UnpublishReport, unpublish
from video_sft.publishing._upload.refusals import PublishError

__all__ = [
    "ConfigReport",
    "PublishError",
    "PublishReport",
    "RelinkReport",
    "RepoReport",
    "SplitReport",
    "UnpublishReport",
    "VideoTotals",
    "fetch_videos",
    "load_published",
    "publish",
    "relink",
    "unpublish",
]

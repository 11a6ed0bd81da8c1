"""Publication on the Hub: the way there, and the way back."""

from video_sft.publishing._publisher import publish
from video_sft.publishing._reading import load_published
from video_sft.publishing._report import ConfigReport, PublishReport, RepoReport, SplitReport
from video_sft.publishing._upload.repository import PublishError

__all__ = ["ConfigReport", "PublishError", "PublishReport", "RepoReport", "SplitReport", "load_published", "publish"]

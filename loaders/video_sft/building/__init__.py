"""From a source's facts and `parse` to a `datasets` builder: everything the sources have in common."""

from video_sft.building.builder import SourceBuilder
from video_sft.building.config import SourceConfig
from video_sft.building.source import OpenPart, Part, RemoteFile, Source

__all__ = ["OpenPart", "Part", "RemoteFile", "Source", "SourceBuilder", "SourceConfig"]

"""The check of a source's files before anything is built or trained on: one report, with what to do about it."""

from video_sft.checking._report import CheckReport, ClipFacts, FileFacts, Finding, MediaFacts, OverlapFacts, PartFacts
from video_sft.checking._source_check import check_source

__all__ = [
    "CheckReport",
    "ClipFacts",
    "FileFacts",
    "Finding",
    "MediaFacts",
    "OverlapFacts",
    "PartFacts",
    "check_source",
]

"""The names a source of another package is written with.

A source is facts (`Source`), a function that turns a file's rows into records (`parse`), and a builder class that names
both. What is asked and answered in a record is a `MultipleChoice`, an `OpenQuestion`, a `Conversation` or a `Caption`.

Example:
    >>> class Mine(SourceBuilder):
    ...     \"\"\"Mine: two questions about each of a thousand videos.\"\"\"
    ...
    ...     source = Source(name="mine", tasks=("vqa",), pools=("mine",), parts=PARTS, parse=parse)
"""

from video_sft._annotations import SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._base_builder.config import SourceConfig
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.pool import Pool
from video_sft._sources.record import Caption, Conversation, Media, MultipleChoice, OpenQuestion, Record, Turn
from video_sft._sources.source import Source

__all__ = [
    "Caption",
    "Conversation",
    "Media",
    "MultipleChoice",
    "OpenPart",
    "OpenQuestion",
    "Part",
    "Pool",
    "Record",
    "RemoteFile",
    "Source",
    "SourceBuilder",
    "SourceConfig",
    "SourceRow",
    "Turn",
]


def __getattr__(name: str) -> object:
    if name != "Row":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import warnings

    message = "video_sft.source_kit.Row is called SourceRow; the old name will go"
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return SourceRow

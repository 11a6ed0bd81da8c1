"""Facts about one video or image that need no decoding."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from video_sft.errors import VideoError
from video_sft.video import VideoMetadata
from video_sft.video._bytes.byte_source import ReadableFile
from video_sft.video._bytes.media_bytes import MediaBytes
from video_sft.video._frames import AudioTrack
from video_sft.video._reading.video_reader import VideoReader

__all__ = ["Facts", "Medium", "MediumFacts", "facts_from", "image_facts", "video_facts"]

Modality: TypeAlias = Literal["video", "image"]
#: A file, and what it is taken for.
Medium: TypeAlias = "tuple[Modality, MediaBytes]"


@dataclass(frozen=True)
class MediumFacts:
    """Facts about one file.

    Attributes:
        metadata: of a video; None for an image.
        width: pixels across, as shown.
        height: pixels down, as shown.
        even: whether all frames are shown equally long, to within half a frame from where the rate puts them, so that
            readers who count frames by the rate find the right ones.
    """

    metadata: VideoMetadata | None
    width: int
    height: int
    even: bool = True


#: What is known of a file, or why it cannot be read.
Facts: TypeAlias = "MediumFacts | VideoError"


def video_facts(source: MediaBytes) -> MediumFacts:
    """Return the facts about a video.

    Raises:
        VideoError: it is not there, or cannot be read.
    """
    track = VideoReader(source, None).track()
    facts, timeline = track.metadata, track.timeline
    due = facts.begin_seconds + np.arange(len(timeline)) / facts.fps
    even = bool(np.abs(timeline.seconds() - due).max() * facts.fps < 0.5)
    return MediumFacts(facts, facts.width, facts.height, even)


def image_facts(source: MediaBytes) -> MediumFacts:
    """Return the facts about an image.

    Raises:
        VideoError: it is not there, or cannot be read.
    """
    from PIL import Image, UnidentifiedImageError

    with closing(source.open()) as file:
        try:
            with Image.open(ReadableFile(file)) as image:  # type: ignore[arg-type]
                turned = image.getexif().get(_ORIENTATION, 1) >= 5
                width, height = image.size
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise VideoError(source.name, f"is no image that can be read: {error}") from error
    return MediumFacts(None, height, width) if turned else MediumFacts(None, width, height)


_ORIENTATION = 0x0112


def facts_from(kept: Mapping[str, Any]) -> MediumFacts:
    """Return facts from what was kept of them: their fields as JSON has them."""
    metadata = kept["metadata"]
    if metadata is not None:
        audio = metadata["audio"] and AudioTrack(**metadata["audio"])
        metadata = VideoMetadata(**{**metadata, "audio": audio})
    return MediumFacts(**{**kept, "metadata": metadata})

"""Facts about videos and images that need no decoding, for many files at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image, UnidentifiedImageError

from video_sft._parallel import done_in_threads
from video_sft._probing.file_identity import identity_of
from video_sft._probing.kept_facts import KeptFacts
from video_sft.errors import VideoError
from video_sft.video import VideoMetadata
from video_sft.video._bytes.byte_source import ReadableFile
from video_sft.video._bytes.media_bytes import MediaBytes
from video_sft.video._columns.saved_videos import is_remote_video
from video_sft.video._decoding.threads import default_threads
from video_sft.video._frames import AudioTrack
from video_sft.video._reading.video_reader import VideoReader

__all__ = ["Facts", "Medium", "MediumFacts", "facts_of"]

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


def facts_of(
    media: Iterable[Medium],
    *,
    num_threads: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_only: bool = False,
) -> dict[Medium, Facts]:
    """Return the facts about files, from what is kept, or else by opening them and keeping what is learnt.

    Args:
        media: each is looked at once.
        num_threads: files that are opened at the same time; None is one for each processor, up to four.
        cache_dir: where facts are kept; the `datasets` cache by default.
        local_only: ask no server: files elsewhere are left out.
    """
    wanted = [medium for medium in dict.fromkeys(media) if not local_only or _at_hand(medium[1])]
    kept = KeptFacts(cache_dir)
    found: dict[Medium, Facts] = {}

    def learn(medium: Medium) -> Facts:
        modality, source = medium
        try:
            key = f"{modality}-{identity_of(source)}"
            known = kept.get(key)
            if known is not None:
                return _facts(known)
            facts = _video(source) if modality == "video" else _image(source)
        except VideoError as error:
            return error
        kept.add(key, asdict(facts))
        return facts

    try:
        for medium, facts in done_in_threads(
            learn,
            wanted,
            num_threads=num_threads or default_threads(),
            total=len(wanted),
            title="looking at files",
            unit="files",
        ):
            found[medium] = facts
    finally:
        kept.close()
    return found


def _at_hand(source: MediaBytes) -> bool:
    return source.data is not None or not is_remote_video(source.path or "")


def _video(source: MediaBytes) -> MediumFacts:
    track = VideoReader(source, None).track()
    facts, timeline = track.metadata, track.timeline
    due = facts.begin_seconds + np.arange(len(timeline)) / facts.fps
    even = bool(np.abs(timeline.seconds() - due).max() * facts.fps < 0.5)
    return MediumFacts(facts, facts.width, facts.height, even)


def _image(source: MediaBytes) -> MediumFacts:
    with closing(source.open()) as file:
        try:
            with Image.open(ReadableFile(file)) as image:  # type: ignore[arg-type]
                turned = image.getexif().get(_ORIENTATION, 1) >= 5
                width, height = image.size
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise VideoError(source.name, f"is no image that can be read: {error}") from error
    return MediumFacts(None, height, width) if turned else MediumFacts(None, width, height)


_ORIENTATION = 0x0112


def _facts(kept: Mapping[str, Any]) -> MediumFacts:
    metadata = kept["metadata"]
    if metadata is not None:
        audio = metadata["audio"] and AudioTrack(**metadata["audio"])
        metadata = VideoMetadata(**{**metadata, "audio": audio})
    return MediumFacts(**{**kept, "metadata": metadata})

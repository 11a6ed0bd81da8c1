"""Fingerprints of what the videos of rows show: read once and kept, like all facts about files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from video_sft._parallel import done_in_threads
from video_sft._probing.file_identity import identity_of
from video_sft._probing.kept_facts import KeptFacts
from video_sft._probing.prepared_facts import PreparedFacts, prepared_facts
from video_sft._probing.row_media import RowMedium
from video_sft.errors import VideoError
from video_sft.fingerprints import fingerprint
from video_sft.video import Clip
from video_sft.video._decoding.threads import default_threads

__all__ = ["NOTHING", "Footage", "footage_of"]

#: Why there is no fingerprint of a video that can be read.
NOTHING = "it shows next to nothing (black, or one colour)"
#: Part of what fingerprints are kept under; raised when they are made in another way.
_VERSION = 1


@dataclass(frozen=True)
class Footage:
    """What a row's video shows.

    Attributes:
        fingerprints: of the whole video, and of the part the row is about, as far as they could be made.
        problem: why there is none.
    """

    fingerprints: tuple[str, ...]
    problem: str | None = None


def footage_of(
    media: Iterable[RowMedium],
    *,
    num_threads: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> dict[RowMedium, Footage]:
    """Return the fingerprints of videos, from manifests of prepared roots and what is kept, or else by reading them.

    A row that is about a part of its video has two, so that the part is found in a file of its own, too.

    Args:
        media: videos, each with the part a row is about; each is looked at once.
        num_threads: files that are read at the same time; None is one for each processor, up to four.
        cache_dir: where fingerprints are kept; the `datasets` cache by default.
    """
    wanted = list(dict.fromkeys(media))
    prepared = prepared_facts(each.medium for each in wanted)
    stored = {medium: known for medium, known in prepared.items() if known.fingerprinted}
    lacking = {part for each in wanted for part in _parts(each, stored.get(each.medium))}
    kept = KeptFacts(cache_dir)
    made: dict[RowMedium, str | VideoError | None] = {}

    def learn(part: RowMedium) -> str | VideoError | None:
        source, limits = part.medium[1], (part.start_seconds, part.stop_seconds)
        try:
            key = f"fingerprint-{_VERSION}-{identity_of(source)}{'' if limits == (None, None) else limits}"
            known = kept.get(key)
            if known is not None:
                return known or None
            clip = Clip({"path": source.path, "bytes": source.data}, token=source.token).part(*limits)
            found = fingerprint(clip, num_threads=1)
        except VideoError as error:
            return error
        kept.add(key, found or "")
        return found

    try:
        jobs = done_in_threads(
            learn,
            lacking,
            num_threads=num_threads or default_threads(),
            total=len(lacking),
            title="looking at footage",
            unit="videos",
        )
        made.update(jobs)
    finally:
        kept.close()
    return {each: _footage(each, stored.get(each.medium), made) for each in wanted}


def _parts(each: RowMedium, stored: PreparedFacts | None) -> list[RowMedium]:
    """Return what has to be read for a row: the whole video and its part, less what a manifest knows."""
    parts = [] if stored else [RowMedium(each.medium)]
    limits = each.start_seconds, each.stop_seconds
    if limits != (None, None) and not (stored and stored.is_all(*limits)):
        parts.append(each)
    return parts


def _footage(each: RowMedium, stored: PreparedFacts | None, made: dict[RowMedium, str | VideoError | None]) -> Footage:
    found = [made[part] for part in _parts(each, stored)]
    prints = [*(stored.fingerprints if stored else ()), *(one for one in found if isinstance(one, str))]
    errors = [str(one) for one in found if isinstance(one, VideoError)]
    if prints:
        return Footage(tuple(dict.fromkeys(prints)))
    return Footage((), errors[0] if errors else NOTHING)

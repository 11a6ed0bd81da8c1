"""Facts about videos and images that need no decoding, for many files at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict

from video_sft._parallel import done_in_threads
from video_sft._probing.file_identity import identity_of
from video_sft._probing.kept_facts import KeptFacts
from video_sft._probing.medium_facts import Facts, Medium, facts_from, image_facts, video_facts
from video_sft._probing.prepared_facts import prepared_facts
from video_sft.errors import VideoError
from video_sft.video._bytes.media_bytes import MediaBytes
from video_sft.video._columns.saved_videos import is_remote_video
from video_sft.video._decoding.threads import default_threads

__all__ = ["facts_of"]


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
    prepared = prepared_facts(wanted, local_only=local_only)
    found: dict[Medium, Facts] = {medium: known.facts for medium, known in prepared.items()}
    wanted = [medium for medium in wanted if medium not in prepared]

    def learn(medium: Medium) -> Facts:
        modality, source = medium
        try:
            key = f"{modality}-{identity_of(source)}"
            known = kept.get(key)
            if known is not None:
                return facts_from(known)
            facts = video_facts(source) if modality == "video" else image_facts(source)
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

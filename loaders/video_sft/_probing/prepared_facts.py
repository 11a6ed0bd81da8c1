"""Facts about files of a prepared root, as its manifest has them: nothing is opened for these."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._places import is_remote
from video_sft._probing.medium_facts import Medium, MediumFacts, facts_from
from video_sft.errors import VideoSftError
from video_sft.preparing._manifest import is_prepared, manifest_parts
from video_sft.video._fragment import split_cut

__all__ = ["PreparedFacts", "prepared_facts"]

#: Where a prepared root keeps files: under the name of their content, or many in a zip.
_STORED = re.compile(r"(.+)/(media/[0-9a-f]{2}/[0-9a-f]{32}[^/]*|packs/[^/]+)", re.DOTALL)
_COLUMNS = ("location", "facts", "fingerprint", "original_fingerprint", "steps")


@dataclass(frozen=True)
class PreparedFacts:
    """What is known of one file.

    Attributes:
        facts: as `video_sft._probing` has them.
        fingerprints: of what it shows, and of all of the video it was made of; none where that is next to nothing.
        fingerprinted: whether these were made.
    """

    facts: MediumFacts
    fingerprints: tuple[str, ...]
    fingerprinted: bool

    def is_all(self, start_seconds: float | None, stop_seconds: float | None) -> bool:
        """Return whether a part leaves out no more than a hundredth of the file, which changes a fingerprint little."""
        video = self.facts.metadata
        if video is None:
            return False
        start, stop = video.within(start_seconds, stop_seconds)
        return video.duration_seconds - (stop - start) <= video.duration_seconds / 100


def prepared_facts(media: Iterable[Medium], *, local_only: bool = False) -> dict[Medium, PreparedFacts]:
    """Return what is known of those of some media that lie in prepared roots.

    Args:
        media: any.
        local_only: ask no server: roots elsewhere are left out.
    """
    by_root: dict[str, dict[str, list[Medium]]] = defaultdict(lambda: defaultdict(list))
    for medium in media:
        modality, source = medium
        hops, chained, outer = split_cut(source.path or "")[0].rpartition("::")
        stored = _STORED.fullmatch(outer) if modality == "video" and source.data is None else None
        if stored is not None:
            by_root[stored[1]][f"{hops}{chained}{stored[2]}"].append(medium)
    found: dict[Medium, PreparedFacts] = {}
    for root, wanted in by_root.items():
        if (local_only and is_remote(root)) or not is_prepared(root):
            continue
        locations = pa.array(wanted, pa.string())
        try:
            for table in manifest_parts(root, _COLUMNS):
                known = pc.and_(pc.is_in(table["location"], value_set=locations), table["facts"].is_valid())
                for row in table.filter(known).to_pylist():
                    for medium in wanted[row["location"]]:
                        found[medium] = _facts_of_row(row, medium)
        except (VideoSftError, OSError):  # the files tell it themselves
            continue
    return found


def _facts_of_row(row: dict[str, str | None], medium: Medium) -> PreparedFacts:
    facts = facts_from(orjson.loads(row["facts"] or ""))
    offset = split_cut(medium[1].path or "")[1]
    if facts.metadata is not None and offset:
        facts = replace(facts, metadata=replace(facts.metadata, begin_seconds=facts.metadata.begin_seconds + offset))
    done = "fingerprint" in orjson.loads(row["steps"] or "{}").get("steps", ())
    prints = (row["fingerprint"], row["original_fingerprint"])
    return PreparedFacts(facts, tuple(dict.fromkeys(one for one in prints if one)), done)

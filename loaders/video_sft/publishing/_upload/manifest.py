"""The manifest of a repo's videos: a line for each with its size, hash and length, and what they come to."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from video_sft._probing.file_facts import facts_of
from video_sft._probing.medium_facts import Medium, MediumFacts
from video_sft.publishing._report import VideoTotals
from video_sft.publishing._upload.hashes import HashMemory
from video_sft.video._bytes.media_bytes import MediaBytes

__all__ = ["Manifest", "lengths_of", "manifest_of"]

_HEAD = ("path", "bytes", "sha256", "duration_seconds", "archive")
#: Files whose length is looked up at a time.
_AT_ONCE = 1_000


def manifest_of(text: str | None) -> Manifest:
    """Return a manifest as it is in a repo."""
    return Manifest(sqlite3.connect(":memory:", isolation_level=None), text)


def lengths_of(locations: Iterable[str], state_dir: Path) -> dict[str, float | None]:
    """Return how long videos are, in seconds; None for those that cannot be read. What is learnt is kept."""
    media: dict[str, Medium] = {location: ("video", MediaBytes(location)) for location in locations}
    known = facts_of(media.values(), cache_dir=state_dir)
    found = ((location, known[medium]) for location, medium in media.items())
    return {
        location: round(facts.metadata.duration_seconds, 3)
        if isinstance(facts, MediumFacts) and facts.metadata
        else None
        for location, facts in found
    }


class Manifest:
    """What is known of a repo's videos, in the database of its uploads (see `VideoUploads`).

    Args:
        found: that database.
        before: the text of the manifest that the repo has; None for none.
    """

    def __init__(self, found: sqlite3.Connection, before: str | None) -> None:
        self._found = found
        found.execute(
            "CREATE TABLE manifest (path TEXT PRIMARY KEY, bytes INTEGER, sha256 TEXT, seconds REAL, archive TEXT) "
            "WITHOUT ROWID"
        )
        lines = csv.DictReader(io.StringIO(before or "", newline=""))
        found.execute("BEGIN")
        found.executemany(
            "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?)",
            ([line[name] or (None if name == "duration_seconds" else "") for name in _HEAD] for line in lines),
        )
        found.execute("COMMIT")

    def prune(self) -> None:
        """Leave out what is not in the repo, as it was noted last."""
        gone = "iif(archive = '', path, archive) NOT IN (SELECT path FROM there)"
        self._found.execute(f"DELETE FROM manifest WHERE {gone}")

    def update(self, memory: HashMemory, state_dir: Path) -> None:
        """Follow what is in the repo, as it was noted last, and look up the length of videos that have none yet."""
        found = self._found
        self.prune()
        found.execute(
            "INSERT OR REPLACE INTO manifest SELECT there.path, size, coalesce(there.sha256, ''), NULL, '' "
            "FROM there LEFT JOIN manifest USING (path) WHERE there.path GLOB 'videos/*/*' "
            "AND (bytes IS NOT size OR manifest.sha256 IS NOT coalesce(there.sha256, manifest.sha256, ''))"
        )
        last = ""
        while batch := found.execute(
            "SELECT path, location, sha256 FROM manifest JOIN wanted USING (path) "
            "WHERE (seconds IS NULL OR sha256 = '') AND path > ? ORDER BY path LIMIT ?",
            (last, _AT_ONCE),
        ).fetchall():
            last = batch[-1][0]
            seconds = lengths_of([location for _, location, _ in batch], state_dir)
            for path, location, sha256 in batch:
                found.execute(
                    "UPDATE manifest SET seconds = ?, sha256 = ? WHERE path = ?",
                    (seconds[location], sha256 or memory.facts(location).sha256, path),
                )

    def forget(self, paths: Iterable[str]) -> None:
        """Leave out videos that go, and those in zips that go."""
        for path in paths:
            self._found.execute("DELETE FROM manifest WHERE iif(archive = '', path, archive) = ?", (path,))

    def totals(self, config: str | None = None) -> VideoTotals:
        """Return what the videos of a config come to; None for all there are."""
        chosen = "" if config is None else "JOIN uses USING (path) WHERE config = ?"
        counted = f"SELECT count(*), total(bytes), total(seconds), count(seconds) FROM manifest {chosen}"
        files, size, seconds, timed = self._found.execute(counted, () if config is None else (config,)).fetchone()
        return VideoTotals(files, int(size), round(seconds, 3), timed)

    def write(self, target: Path) -> Path | None:
        """Write it as CSV; None where there is no video."""
        rows = self._found.execute("SELECT path, bytes, sha256, seconds, archive FROM manifest ORDER BY archive, path")
        first = rows.fetchone()
        if first is None:
            return None
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_HEAD)
            writer.writerow(first)
            writer.writerows(rows)
        return target

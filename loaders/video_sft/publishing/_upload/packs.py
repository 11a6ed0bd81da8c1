"""Videos in zips of about a gigabyte, for repos that would have more files than the Hub takes.

A pool's zips hold what the user's folder holds, under the same names, so that they are read in place as `media` are:
rows have null cells, which every reader takes, and `load` finds their videos in the zips.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from video_sft._datasets import tqdm
from video_sft._places import file_size, is_remote, open_binary, root_of, safe_relative
from video_sft.publishing._layout import MANIFEST, pack_path, pool_of
from video_sft.publishing._upload.hashes import HashMemory
from video_sft.publishing._upload.manifest import Manifest, lengths_of
from video_sft.publishing._upload.media_guard import check_content
from video_sft.publishing._upload.refusals import PublishError
from video_sft.publishing._upload.repository import HubRepo
from video_sft.publishing._upload.videos import VideoCounts

__all__ = ["PackedVideos"]

_BYTES_EACH = 1 << 30


class _Member(NamedTuple):
    """A video on its way into a zip: its pool, its name in there, and where it is now."""

    pool: str
    name: str
    location: str
    size: int
    sha256: str


class PackedVideos:
    """Brings the videos that `found` has noted (see `VideoUploads`) into zips of the repo.

    A video that has changed goes into a new zip, and readers take the newest; so no zip is written twice.
    """

    def __init__(
        self,
        repo: HubRepo,
        found: sqlite3.Connection,
        memory: HashMemory,
        manifest: Manifest,
        *,
        roots: Sequence[str | os.PathLike[str]],
        state_dir: Path,
    ) -> None:
        self._repo = repo
        self._found = found
        self._memory = memory
        self._manifest = manifest
        self._roots = sorted(map(root_of, roots), key=len, reverse=True)
        self._state_dir = state_dir
        found.execute("CREATE TABLE named (name TEXT PRIMARY KEY, location TEXT) WITHOUT ROWID")
        manifest.prune()

    def count(self) -> VideoCounts:
        """Return what `upload` would send."""
        (files,) = self._found.execute("SELECT count(*) FROM wanted").fetchone()
        counts = VideoCounts(files=files)
        for member in self._lacking(hashed=False):
            counts.new += 1
            counts.new_bytes += member.size
        return counts

    def upload(self, folder: Path) -> VideoCounts:
        """Send what no zip has, a zip at a time, with the manifest that tells what is in each.

        Args:
            folder: for the zip that is being written; it has room for a gigabyte, or the largest video.

        Raises:
            PublishError: two videos would have one name; or one is neither a video nor an image.
        """
        counts, batch = self.count(), list[_Member]()
        with tqdm(desc="Packing videos", total=counts.new, unit=" videos", leave=False, delay=1.0) as bar:
            for member in self._lacking():
                if batch and (batch[0].pool != member.pool or sum(each.size for each in batch) > _BYTES_EACH):
                    self._send(batch, folder / "packed")
                    batch = []
                batch.append(member)
                bar.update()
            if batch:
                self._send(batch, folder / "packed")
        return counts

    def _lacking(self, *, hashed: bool = True) -> Iterator[_Member]:
        """Yield what no zip has; unless it is `hashed`, what is new has no hash."""
        last = ""
        while rows := self._found.execute(
            "SELECT path, location FROM wanted WHERE path > ? ORDER BY path LIMIT 1000", (last,)
        ).fetchall():
            last = rows[-1][0]
            for path, location in rows:
                pool = pool_of(path) or ""
                name = f"{pool}/{self._name(location)}"
                self._check_name(name, location)
                self._found.execute(
                    "INSERT OR IGNORE INTO uses SELECT config, ? FROM uses WHERE path = ?", (name, path)
                )
                known = self._found.execute("SELECT bytes, sha256 FROM manifest WHERE path = ?", (name,)).fetchone()
                if known is None and not hashed:
                    yield _Member(pool, name, location, file_size(location) or 0, "")
                    continue
                facts = self._memory.facts(location)
                if known != (facts.size, facts.sha256):
                    yield _Member(pool, name, location, facts.size, facts.sha256)

    def _check_name(self, name: str, location: str) -> None:
        self._found.execute("INSERT OR IGNORE INTO named VALUES (?, ?)", (name, location))
        (other,) = self._found.execute("SELECT location FROM named WHERE name = ?", (name,)).fetchone()
        if other != location:
            raise PublishError(
                f"{location} and {other} would both be {name} in the zips; give a folder over both of them as media"
            )

    def _name(self, location: str) -> str:
        """Return a video's path below the place of media it was found in."""
        inner, chained, _ = location.partition("::")
        if chained:
            return safe_relative(inner.partition("://")[2])
        for root in self._roots:
            base = root if root.endswith(("/", os.sep)) else root + ("/" if is_remote(root) else os.sep)
            if location.startswith(base):
                return safe_relative(location[len(base) :].replace(os.sep, "/"))
        return safe_relative(location.replace(os.sep, "/").rpartition("/")[2])

    def _send(self, batch: list[_Member], folder: Path) -> None:
        pool = batch[0].pool
        known = self._found.execute("SELECT path FROM there UNION SELECT archive FROM manifest WHERE archive <> ''")
        zips = [path for (path,) in known if path.endswith(".zip") and pool_of(path) == pool]
        archive = pack_path(pool, 1 + max((int(path[-9:-4]) for path in zips), default=-1))
        (folder / archive).parent.mkdir(parents=True)
        seconds = lengths_of([member.location for member in batch], self._state_dir)
        with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_STORED) as packed:
            for member in batch:
                check_content(member.location)
                entry = zipfile.ZipInfo(member.name)  # of 1980: the same videos give the same zip
                with open_binary(member.location) as source, packed.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                self._found.execute(
                    "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?)",
                    (member.name, member.size, member.sha256, seconds[member.location], archive),
                )
        self._manifest.write(folder / MANIFEST)
        self._repo.upload_folder(folder, f"Add {len(batch):,} videos in {archive}")
        shutil.rmtree(folder)

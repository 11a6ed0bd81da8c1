"""The videos of a repo: each one once, in batches the Hub accepts, and only those that are not there yet."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import datasets
from huggingface_hub import CommitOperationAdd

from video_sft._places import file_size, is_remote, open_binary
from video_sft.publishing._cells import PublishedVideo, published_videos
from video_sft.publishing._layout import VIDEO_FOLDER
from video_sft.publishing._upload.hashes import HashMemory, MediaHash, git_oid
from video_sft.publishing._upload.media_guard import check_content
from video_sft.publishing._upload.repository import HubRepo

__all__ = ["FILES_PER_COMMIT", "VideoCounts", "VideoUploads"]

logger = logging.getLogger("video_sft")

#: The Hub asks for fewer than 100 files in a commit.
FILES_PER_COMMIT = 96
_BYTES_PER_COMMIT = 4 << 30
_SCAN_ROWS = 4_096


@dataclass
class VideoCounts:
    """How many distinct videos rows point at, and the number and size of those the repo lacks or has otherwise."""

    files: int = 0
    new: int = 0
    new_bytes: int = 0


class VideoUploads:
    """Finds the distinct videos of rows, and brings those to the repo that it lacks.

    What is found is kept in a database file, so that memory stays flat for any number of videos.
    """

    def __init__(self, repo: HubRepo, memory: HashMemory, folder: Path) -> None:
        self._repo = repo
        self._memory = memory
        self._folder = folder / VIDEO_FOLDER
        self._folder.mkdir()
        self._found = sqlite3.connect(folder / "videos.sqlite", isolation_level=None)
        self._found.execute("PRAGMA synchronous = OFF")
        self._found.execute("CREATE TABLE wanted (path TEXT PRIMARY KEY, location TEXT) WITHOUT ROWID")
        self._found.execute(
            "CREATE TABLE there (path TEXT PRIMARY KEY, size INTEGER, sha256 TEXT, git_oid TEXT) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Forget what was found."""
        self._found.close()

    def collect(self, rows: datasets.Dataset) -> set[str]:
        """Note the videos of a dataset, and return the folders of the repo they belong in."""
        folders: set[str] = set()
        for table in rows.with_format("arrow").iter(batch_size=_SCAN_ROWS):
            files = [file for file in published_videos(table) if file is not None]
            folders |= {"/".join(file.path.split("/")[:2]) for file in files}
            self._found.execute("BEGIN")
            self._found.executemany(
                "INSERT OR IGNORE INTO wanted VALUES (?, ?)", ((file.path, file.location) for file in files)
            )
            self._found.execute("COMMIT")
        return folders

    def compare(self) -> None:
        """Note what the repo has already."""
        self._found.execute("BEGIN")
        self._found.executemany(
            "INSERT OR REPLACE INTO there VALUES (?, ?, ?, ?)",
            ((file.path, file.size, file.sha256, file.git_oid) for file in self._repo.files(VIDEO_FOLDER)),
        )
        self._found.execute("COMMIT")

    def count(self) -> VideoCounts:
        """Return what `upload` would send."""
        counts = VideoCounts(files=self._files())
        for _, facts in self._lacking(new_unread=True):
            counts.new += 1
            counts.new_bytes += facts.size
        return counts

    def upload(self) -> VideoCounts:
        """Send what the repo lacks, a commit for each batch."""
        counts, batch, size = VideoCounts(files=self._files()), list[tuple[PublishedVideo, MediaHash]](), 0
        for file, facts in self._lacking():
            if batch and (len(batch) == FILES_PER_COMMIT or size + facts.size > _BYTES_PER_COMMIT):
                self._commit(batch, counts)
                batch, size = [], 0
            batch.append((file, facts))
            size += facts.size
        if batch:
            self._commit(batch, counts)
        return counts

    def _files(self) -> int:
        return int(self._found.execute("SELECT count(*) FROM wanted").fetchone()[0])

    def _lacking(self, *, new_unread: bool = False) -> Iterator[tuple[PublishedVideo, MediaHash]]:
        """Yield the videos to send; with `new_unread`, those that the repo has no file for are not hashed."""
        rows = self._found.execute(
            "SELECT location, path, size, sha256, git_oid FROM wanted LEFT JOIN there USING (path) ORDER BY path"
        )
        for location, path, size, sha256, oid in rows:
            if size is None and new_unread:
                yield PublishedVideo(location, path), MediaHash(file_size(location) or 0, "")
                continue
            facts = self._memory.facts(location)
            if facts.size == size and (sha256 == facts.sha256 or (sha256 is None and oid == git_oid(location, size))):
                continue
            yield PublishedVideo(location, path), facts

    def _commit(self, batch: list[tuple[PublishedVideo, MediaHash]], counts: VideoCounts) -> None:
        operations = []
        for file, _ in batch:
            check_content(file.location)
        for number, (file, facts) in enumerate(batch):
            operation = CommitOperationAdd(file.path, self._local(file.location, number))
            operation.upload_info.sha256 = bytes.fromhex(facts.sha256)
            operations.append(operation)
        self._repo.commit(operations, f"Add {len(batch):,} videos")
        counts.new += len(batch)
        counts.new_bytes += sum(facts.size for _, facts in batch)
        logger.info("%s: %s videos are up", self._repo.name, f"{counts.new:,}")
        for leftover in self._folder.iterdir():
            leftover.unlink()

    def _local(self, location: str, number: int) -> str:
        """Return a local path for a video, fetched for this batch where it is a URL or in a zip."""
        if not is_remote(location):
            return location
        copy = self._folder / f"{number}{PurePosixPath(location.partition('::')[0]).suffix}"
        with open_binary(location) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return str(copy)

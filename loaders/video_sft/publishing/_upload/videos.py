"""The videos of a repo: each one once, sent by the client's own pipeline, and only those that are not there yet."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import datasets

from video_sft._datasets import tqdm
from video_sft._places import file_size, is_remote, open_binary
from video_sft.errors import MissingMediaError
from video_sft.publishing._cells import PublishedVideo, published_videos
from video_sft.publishing._layout import VIDEO_FOLDER
from video_sft.publishing._upload.hashes import HashMemory, MediaHash, git_oid, version_of
from video_sft.publishing._upload.media_guard import check_content
from video_sft.publishing._upload.refusals import PublishError
from video_sft.publishing._upload.repository import HubRepo

__all__ = ["VideoCounts", "VideoUploads"]

logger = logging.getLogger("video_sft")

#: Of members of archives and of files on servers, which are copied before they are sent.
_BYTES_COPIED = 4 << 30
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
        self._folder = folder / "staged"
        self._staged = self._copied = 0
        self.found = sqlite3.connect(folder / "videos.sqlite", isolation_level=None)
        self.found.execute("PRAGMA synchronous = OFF")
        for table in (
            "wanted (path TEXT PRIMARY KEY, location TEXT)",
            "uses (config TEXT, path TEXT, PRIMARY KEY (config, path))",
            "there (path TEXT PRIMARY KEY, size INTEGER, sha256 TEXT, git_oid TEXT)",
            "sent (path TEXT PRIMARY KEY, location TEXT, version TEXT, size INTEGER)",
        ):
            self.found.execute(f"CREATE TABLE {table} WITHOUT ROWID")

    def close(self) -> None:
        """Forget what was found."""
        self.found.close()

    def collect(self, config: str, rows: datasets.Dataset) -> set[str]:
        """Note the videos of a config's rows, and return the folders of the repo they belong in."""
        folders: set[str] = set()
        for table in rows.with_format("arrow").iter(batch_size=_SCAN_ROWS):
            files = [file for file in published_videos(table) if file is not None]
            folders |= {"/".join(file.path.split("/")[:2]) for file in files}
            self.found.execute("BEGIN")
            noted = ((file.path, file.location) for file in files)
            self.found.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", noted)
            self.found.executemany("INSERT OR IGNORE INTO uses VALUES (?, ?)", ((config, file.path) for file in files))
            self.found.execute("COMMIT")
        return folders

    def compare(self) -> None:
        """Note what the repo has."""
        self.found.execute("BEGIN")
        self.found.execute("DELETE FROM there")
        self.found.executemany(
            "INSERT OR REPLACE INTO there VALUES (?, ?, ?, ?)",
            ((file.path, file.size, file.sha256, file.git_oid) for file in self._repo.files(VIDEO_FOLDER)),
        )
        self.found.execute("COMMIT")

    def count(self) -> VideoCounts:
        """Return what `upload` would send."""
        counts = VideoCounts(files=self._count("wanted"))
        for _, size in self._lacking():
            counts.new += 1
            counts.new_bytes += size
        return counts

    def upload(self) -> VideoCounts:
        """Send what the repo lacks, as many files at once as the client takes.

        Raises:
            PublishError: one is neither a video nor an image, or not in the repo when all were sent.
            MissingMediaError: one cannot be read.
        """
        counts = VideoCounts(files=self._count("wanted"))
        new = self._count("wanted LEFT JOIN there USING (path) WHERE size IS NULL")
        at_once = self._repo.files_at_once
        told = {"desc": "Sending videos", "total": new, "unit": " videos", "leave": False, "delay": 1.0}
        for file, size in tqdm(self._lacking(), **told):
            if self._staged == at_once or self._copied > _BYTES_COPIED:
                self._send()
            self._stage(file)
            counts.new += 1
            counts.new_bytes += size
        if counts.new:
            self._send()
            self.compare()
            self._check_sent()
        return counts

    def files_in_all(self) -> int:
        """Return how many files the repo's folder of videos will have."""
        return self._count("(SELECT path FROM there UNION SELECT path FROM wanted)")

    def paths_there(self) -> set[str]:
        """Return the files in the repo's folder of videos, as they were noted last."""
        return {path for (path,) in self.found.execute("SELECT path FROM there")}

    def are_packed(self) -> bool:
        """Return whether the repo has its videos in zips."""
        return self._count(f"there WHERE path GLOB '{VIDEO_FOLDER}/*.zip'") > 0

    def _count(self, rows: str) -> int:
        return int(self.found.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])

    def _lacking(self) -> Iterator[tuple[PublishedVideo, int]]:
        """Yield the videos to send, and their sizes; only what the repo may have already is hashed."""
        rows = self.found.execute(
            "SELECT location, path, size, sha256, git_oid FROM wanted LEFT JOIN there USING (path) ORDER BY path"
        )
        for location, path, size, sha256, oid in rows:
            here = _size(location)
            if size is not None and here in (size, None):
                facts = self._memory.facts(location)
                if facts.size == size and (
                    sha256 == facts.sha256 or (sha256 is None and oid == git_oid(location, size))
                ):
                    continue
                here = facts.size
            yield PublishedVideo(location, path), here or 0

    def _stage(self, file: PublishedVideo) -> None:
        """Put a video into the folder that is sent next: a link to it, or a copy where it is a URL or in a zip."""
        check_content(file.location)
        target = self._folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        version = version_of(file.location)
        if is_remote(file.location):
            with open_binary(file.location) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            self._copied += target.stat().st_size
        else:
            _link(os.path.realpath(file.location), target)
        size = target.stat().st_size
        self.found.execute("INSERT INTO sent VALUES (?, ?, ?, ?)", (file.path, file.location, version, size))
        self._staged += 1

    def _send(self) -> None:
        self._repo.upload_folder(self._folder, f"Add {self._staged:,} videos")
        logger.info("%s: %s videos are up", self._repo.name, f"{self._count('sent'):,}")
        shutil.rmtree(self._folder)
        self._staged = self._copied = 0

    def _check_sent(self) -> None:
        """See that what was sent is in the repo, and keep the hashes it has there: nothing is read for them again."""
        absent, rows = (
            [],
            self.found.execute(
                "SELECT path, location, version, sent.size, there.size, sha256 FROM sent LEFT JOIN there USING (path)"
            ),
        )
        for path, location, version, size, found, sha256 in rows:
            if found != size:
                absent.append(path)
            elif sha256 is not None and version == version_of(location):
                self._memory.remember(location, version, MediaHash(size, sha256))
        if absent:
            raise PublishError(
                f"{self._repo.name} has not taken {len(absent):,} of the videos sent, or they changed meanwhile: "
                f"{', '.join(absent[:3])}. Run the same command again"
            )


def _size(location: str) -> int | None:
    try:
        return file_size(location)
    except OSError as error:
        raise MissingMediaError(f"{location} cannot be read for publishing: {error}") from error


def _link(location: str, target: Path) -> None:
    """Put a link to a file in a place, or a copy on systems that make no links."""
    for put in (os.symlink, os.link, shutil.copyfile):
        with contextlib.suppress(OSError):
            put(location, target)
            return
    raise MissingMediaError(f"{location} cannot be put into {target.parent} for publishing")

"""Hashes of media files, computed once and remembered on disk."""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_sft._files import digest_of
from video_sft._places import fingerprint, is_remote, open_binary
from video_sft.errors import MissingMediaError, one_line

__all__ = ["HashMemory", "MediaHash", "git_oid", "version_of"]

logger = logging.getLogger("video_sft.publishing")
#: Of a SHA-256 in hexadecimal.
_DIGITS = 64


@dataclass(frozen=True)
class MediaHash:
    """Size in bytes and SHA-256 of a file."""

    size: int
    sha256: str


class HashMemory:
    """A small database of file hashes, by place and version of each file; several processes may share its folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "hashes.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = _opened(self._file)
        except (OSError, sqlite3.DatabaseError) as error:
            self._database = self._instead(error)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def remember(self, location: str, version: str, facts: MediaHash) -> None:
        """Keep the hash of a version of a file, which somebody else has computed."""
        self._execute("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?)", location, version, facts.size, facts.sha256)

    def facts(self, location: str) -> MediaHash:
        """Return a file's size and hash, reading it only if this version of it was not read before.

        Raises:
            MissingMediaError: the file is gone or cannot be read.
        """
        try:
            version = version_of(location)
            row = self._known(location, version)
            if row is not None:
                return MediaHash(*row)
            with open_binary(location) as handle:
                sha256, size = digest_of(handle)
            facts = MediaHash(size, sha256)
        except OSError as error:
            raise MissingMediaError(f"{location} cannot be read for publishing: {error}") from error
        self.remember(location, version, facts)
        return facts

    def _known(self, location: str, version: str) -> tuple[int, str] | None:
        found = self._execute("SELECT size, sha256 FROM hashes WHERE location = ? AND version = ?", location, version)
        if not found or not isinstance(found[0][0], int) or len(str(found[0][1])) != _DIGITS:
            return None
        return found[0][0], str(found[0][1])

    def _execute(self, statement: str, *values: object) -> list[Any]:
        """Run a statement; a database that shows itself damaged is begun anew."""
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            self._database.close()
            self._database = self._instead(error)
            return self._database.execute(statement, values).fetchall()

    def _instead(self, error: Exception) -> sqlite3.Connection:
        """Return a new database in place of one that is damaged, or in memory where none can be written."""
        if type(error) is sqlite3.DatabaseError:  # its subclasses are about the disk
            try:
                for ending in ("", "-wal", "-shm"):
                    Path(f"{self._file}{ending}").unlink(missing_ok=True)
                database = _opened(self._file)
            except (OSError, sqlite3.DatabaseError) as another:
                return self._instead(another if isinstance(another, OSError) else OSError(str(another)))
            logger.warning("%s was damaged and is begun anew: %s", self._file, one_line(error))
            return database
        logger.warning("%s: hashes of videos cannot be remembered there: %s", self._file.parent, one_line(error))
        return _opened(":memory:")


def _opened(file: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=60, isolation_level=None)
    try:
        # A lost entry costs one more hashing, so waiting for the disk after each is not worth it.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS hashes (location TEXT PRIMARY KEY, version TEXT, size INTEGER, sha256 TEXT)"
        )
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def git_oid(location: str, size: int) -> str:
    """Return git's hash of a file: how the Hub knows small files that it takes for text."""
    with open_binary(location) as handle:
        return digest_of(handle, algorithm="sha1", head=f"blob {size}\0".encode())[0]


def version_of(location: str) -> str:
    """Return what changes with the file's content, without reading the file."""
    if not is_remote(location):
        status = os.stat(location)
        return f"{status.st_size} {status.st_mtime_ns}"
    outer = location.rpartition("::")[2]
    return version_of(outer) if outer != location else fingerprint(location)

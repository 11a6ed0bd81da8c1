"""What the local Hub holds: repos, their commits, and the content of files by hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

LARGE_SUFFIXES = (".arrow", ".avi", ".gz", ".jpg", ".mkv", ".mov", ".mp4", ".parquet", ".png", ".tar", ".webm", ".zip")
POINTER_SIZE = 134
LARGE_SIZE = 10 * 1024 * 1024

GIT_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES).encode()


class RefusedError(Exception):
    """A request the real Hub would answer with an error."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Entry:
    """One file of a commit."""

    sha256: str
    oid: str
    size: int
    large: bool

    def info(self, path: str) -> dict[str, object]:
        """The file as `tree` and `paths-info` describe it."""
        info: dict[str, object] = {"type": "file", "path": path, "size": self.size, "oid": self.oid}
        if self.large:
            info["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": POINTER_SIZE}
        return info


@dataclass(frozen=True)
class Commit:
    """One commit: all files as they then were, and the paths it changed."""

    oid: str
    title: str
    date: str
    files: dict[str, Entry]
    changed: tuple[str, ...] = ()


@dataclass
class Repo:
    """One repo: branches and tags by name, commits by hash."""

    kind: str
    name: str
    private: bool = False
    gated: bool = False
    readers: set[str] = field(default_factory=set)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag, or the beginning of a hash names."""
        revision = revision.removeprefix("refs/heads/")
        oid = self.refs.get(revision) or self.tags.get(revision)
        if oid is None and len(revision) >= 7:
            oid = next((known for known in self.commits if known.startswith(revision)), None)
        if oid is None:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def commit(self, branch: str, title: str, changes: dict[str, Entry | None]) -> Commit:
        """Put `changes` (None deletes) on top of `branch`."""
        if branch not in self.refs and self.refs:
            raise RefusedError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        files = dict(self.resolve(branch).files) if self.refs else {}
        for path, entry in changes.items():
            if entry is None:
                files.pop(path)
            else:
                files[path] = entry
        seed = f"{self.kind}/{self.name}/{len(self.commits)}/{title}/{sorted(changes)}"
        new = Commit(
            oid=hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest(),
            title=title,
            date=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            files=files,
            changed=tuple(changes),
        )
        self.commits[new.oid] = new
        self.refs[branch] = new.oid
        return new

    def history(self, revision: str) -> Iterator[Commit]:
        """Commits made up to `revision`, newest first."""
        last = self.resolve(revision)
        oids = list(self.commits)
        for oid in reversed(oids[: oids.index(last.oid) + 1]):
            yield self.commits[oid]


class Blobs:
    """Content on disk, by sha256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the content of that hash is, or would be."""
        return self._folder / sha256

    def add(self, content: bytes) -> str:
        """Keep `content`; return its hash."""
        return self.add_chunks(iter([content]))[0]

    def add_chunks(self, chunks: Iterator[bytes]) -> tuple[str, int]:
        """Keep content that comes in pieces; return its hash and size. Nothing is kept if the pieces stop early."""
        digest, size = hashlib.sha256(), 0
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
            os.replace(temporary, self.path(digest.hexdigest()))
        except BaseException:
            os.unlink(temporary)
            raise
        return digest.hexdigest(), size

    def entry(self, path: str, sha256: str, *, large: bool | None = None) -> Entry:
        """The file entry for kept content; whether it is a large file is told by its name where nobody says."""
        location = self.path(sha256)
        size = location.stat().st_size
        large = is_large(path, size, b"") if large is None else large
        if large:
            blob = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        else:
            blob = location.read_bytes()
        oid = hashlib.sha1(b"blob %d\0" % len(blob) + blob, usedforsecurity=False).hexdigest()
        return Entry(sha256=sha256, oid=oid, size=size, large=large)


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub takes this file by LFS; an empty file it never does."""
    return size > 0 and (path.lower().endswith(LARGE_SUFFIXES) or size > LARGE_SIZE or b"\0" in sample)


def folders(paths: Mapping[str, Entry]) -> set[str]:
    """Every folder that has one of the files somewhere in it."""
    found: set[str] = set()
    for path in paths:
        parts = path.split("/")
        found |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    return found

"""Where files are: local paths, fsspec URLs and members of zips, all as one string.

A location is anything `fsspec` opens: `/data/x.json`, `hf://datasets/org/repo@rev/x.json`,
`zip://mc/val.csv::/data/next_qa.zip`. A *root* is a location that other locations lie under.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from contextlib import AbstractContextManager
from pathlib import PurePosixPath
from typing import IO

import fsspec
from fsspec.core import url_to_fs

from video_sft.errors import UnsafePathError

__all__ = [
    "exists",
    "fingerprint",
    "is_remote",
    "join",
    "open_binary",
    "root_of",
    "safe_name",
    "safe_relative",
    "sha256_of",
]

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Most paths: names of everyday characters, none of them beginning with a dot. What it matches is safe as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. ()-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_. ()-]*)*")
_HASH_BLOCK = 1 << 20


def is_remote(location: str) -> bool:
    """Return whether a location is a URL rather than a path of this machine."""
    return "://" in location or "::" in location


def root_of(location: str | os.PathLike[str]) -> str:
    """Return the root other locations are joined to: a folder, a URL, or the inside of a zip.

    Args:
        location: a folder, an fsspec URL of a folder, or a zip file by path or URL.
    """
    text = os.fspath(location)
    if is_remote(text):
        text = text.rstrip("/")
    else:
        text = os.path.abspath(os.path.expanduser(text))
    if text.lower().endswith(".zip") and not text.startswith("zip://"):
        return f"zip://::{text}"
    return text


def join(root: str, relative: str) -> str:
    """Return the location of a file under a root; `relative` uses forward slashes."""
    if not is_remote(root):
        return os.path.join(root, *relative.split("/"))
    inner, chained, outer = root.partition("::")
    separator = "" if inner.endswith("/") else "/"
    return f"{inner}{separator}{relative}{chained}{outer}"


def exists(location: str) -> bool:
    """Return whether there is a file at a location."""
    if not is_remote(location):
        return os.path.isfile(location)
    filesystem, path = url_to_fs(location)
    return bool(filesystem.isfile(path))


def open_binary(location: str) -> AbstractContextManager[IO[bytes]]:
    """Open a location for reading bytes, in a `with`; `.gz`, `.bz2` and `.xz` are decompressed on the way."""
    opened: AbstractContextManager[IO[bytes]] = fsspec.open(location, "rb", compression="infer")
    return opened


def fingerprint(location: str) -> str:
    """Return a string that changes when the file's content does.

    Local files are hashed (remembered for as long as their stat stays the same); remote ones answer with what their
    file system identifies a version by, such as an ETag or a commit.
    """
    if not is_remote(location):
        status = os.stat(location)
        return _local_sha256(location, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    filesystem, path = url_to_fs(location)
    if "::" in location:
        outer = location.rpartition("::")[2]
        return f"{location} {fingerprint(outer)}"
    return f"{location} {filesystem.ukey(path)}"


def sha256_of(location: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    if not is_remote(location):
        return fingerprint(location)
    with open_binary(location) as handle:
        return _digest(handle)


@functools.lru_cache(maxsize=4096)
def _local_sha256(path: str, size: int, modified: int, changed: int, inode: int) -> str:
    with open(path, "rb") as handle:
        return _digest(handle)


def _digest(handle: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := handle.read(_HASH_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def safe_name(name: str) -> str:
    """Return `name` if it can only be one file's name, whatever the system.

    Raises:
        UnsafePathError: it is empty, has a separator, a control character, or means another folder.
    """
    if "/" in name:
        raise UnsafePathError(f"{name!r} is not a plain name: it has a separator in it")
    return safe_relative(name)


def safe_relative(path: str) -> str:
    """Return a relative path in its plainest form, if it stays inside the folder it is joined to.

    Paths in annotations are data: they may not be absolute, climb with `..`, or name a URL or a drive.

    Raises:
        UnsafePathError: the path is none of that; the message says which.
    """
    if _PLAIN.fullmatch(path):
        return path
    if not path:
        raise UnsafePathError("the path is empty")
    if _CONTROL.search(path):
        raise UnsafePathError(f"{path!r} has a control character in it")
    if "\\" in path:
        raise UnsafePathError(f"{path!r} has a backslash in it")
    if path.startswith(("/", "~")):
        raise UnsafePathError(f"{path!r} is absolute; a path inside the media folder is wanted")
    if _SCHEME.match(path) or "::" in path:
        raise UnsafePathError(f"{path!r} is a URL; a path inside the media folder is wanted")
    parts = PurePosixPath(path).parts
    if ".." in parts:
        raise UnsafePathError(f"{path!r} climbs out of its folder")
    if not parts:
        raise UnsafePathError(f"{path!r} names no file")
    return "/".join(parts)

"""Places of files: local paths, fsspec URLs and members of zips, all as one string.

A location is anything `fsspec` opens: `/data/x.json`, `hf://datasets/org/repo@rev/x.json`,
`zip://mc/val.csv::/data/next_qa.zip`. A *root* is a location that other locations lie under.
"""

from __future__ import annotations

import bz2
import contextlib
import functools
import gzip
import lzma
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any
from zipfile import BadZipFile

from video_sft._files import digest_of
from video_sft.errors import BrokenFileError, UnsafePathError, one_line

__all__ = [
    "COMPRESSIONS",
    "exists",
    "file_size",
    "files_under",
    "fingerprint",
    "is_remote",
    "join",
    "open_binary",
    "root_of",
    "safe_name",
    "safe_relative",
    "sha256_of",
    "uncompressed",
]

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Most paths: names of everyday characters, none of them beginning with a dot. What it matches is safe as it stands.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. ()-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_. ()-]*)*")
#: What the names of compressed files end in; what a file is compressed with is told by its first bytes.
COMPRESSIONS = (".gz", ".zst", ".xz", ".bz2")
_PIECE, _LARGEST_PIECE = 1 << 16, 1 << 24
#: What reading raises where the bytes themselves are at fault, not the disk or the network.
_DAMAGE = (EOFError, NotImplementedError, gzip.BadGzipFile, lzma.LZMAError, struct.error, BadZipFile, zlib.error)
#: How errors of other kinds begin that mean the same (zipfile, bz2 and pyarrow have no classes for them).
_DAMAGE_TOLD = re.compile(r"File .* is encrypted|Invalid data stream|Truncated compressed stream|ZSTD|zstd")


def is_remote(location: str) -> bool:
    """Return whether a location is a URL rather than a path of this machine."""
    return "://" in location or "::" in location


def root_of(location: str | os.PathLike[str]) -> str:
    """Return the root other locations are joined to: a folder or an fsspec URL of one; of a zip, the inside."""
    text = os.fspath(location)
    text = text.rstrip("/") if is_remote(text) else os.path.abspath(os.path.expanduser(text))
    return f"zip://::{text}" if text.lower().endswith(".zip") and not text.startswith("zip://") else text


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
    filesystem, path = _on_filesystem(location)
    return bool(filesystem.isfile(path))


def file_size(location: str) -> int | None:
    """Return a file's size in bytes without reading it; None where a server does not tell."""
    if not is_remote(location):
        return os.path.getsize(location)
    filesystem, path = _on_filesystem(location)
    size = filesystem.size(path)
    return None if size is None else int(size)


def files_under(root: str, depth: int | None = None) -> list[str]:
    """Return the paths of all files under a root, so many levels deep, relative to it."""
    filesystem, path = _on_filesystem(root)
    base = path.strip("/")
    return [name.strip("/").removeprefix(base).lstrip("/") for name in filesystem.find(path, maxdepth=depth)]


def _on_filesystem(location: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # here and below, for most files are local

    filesystem, path = url_to_fs(location)
    return filesystem, path


def uncompressed(name: str) -> str:
    """Return a file's name without the suffix of its compression."""
    return next((name.removesuffix(suffix) for suffix in COMPRESSIONS if name.endswith(suffix)), name)


def _open_zstandard(handle: Any, mode: str) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(handle, mode[0]), "zstd")


_OPENERS: dict[bytes, Callable[[Any, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstandard,
}


@contextlib.contextmanager
def open_binary(location: str) -> Iterator[BinaryFile]:
    """Open a location for reading bytes, in a `with`; gzip, zstandard, xz and bzip2 are decompressed on the way.

    Raises:
        BrokenFileError: the file is compressed or in an archive, and damaged, cut short, or encrypted.
    """
    import fsspec

    with contextlib.ExitStack() as stack:
        try:
            handle: Any = stack.enter_context(fsspec.open(location, "rb"))
            magic = handle.read(6)
            try:
                handle.seek(0)
            except ValueError:  # a server without ranges
                handle = stack.enter_context(fsspec.open(location, "rb"))
            opener = next((opener for start, opener in _OPENERS.items() if magic.startswith(start)), None)
            if opener is not None:
                handle = stack.enter_context(opener(handle, "rb"))
        except (*_DAMAGE, RuntimeError, OSError) as error:
            if (broken := _broken(error, location)) is None:
                raise
            raise broken from error
        yield BinaryFile(handle, location, piece=_PIECE if opener or "::" in location else _LARGEST_PIECE)


class BinaryFile:
    """A file that is read from its beginning to its end; what comes before a damaged place is handed out first."""

    def __init__(self, handle: Any, location: str, *, piece: int) -> None:
        self._location = location
        self._next = getattr(handle, "read1", handle.read)
        self._piece = piece
        self._broken: BrokenFileError | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end, none behind it; without a size all that are left.

        Raises:
            BrokenFileError: the bytes that follow cannot be had, for the file is damaged or cut short here.
        """
        pieces = []
        left = size
        while left and self._broken is None:
            try:
                piece = self._next(self._piece if left < 0 else min(left, self._piece))
            except (*_DAMAGE, RuntimeError, OSError) as error:
                self._broken = _broken(error, self._location)
                if self._broken is None:
                    raise
                break
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece) if left > 0 else 0
        if self._broken is not None and not pieces:
            raise self._broken
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _broken(error: Exception, location: str) -> BrokenFileError | None:
    """Return what an error means for the file, None where it is not the file that is at fault."""
    said = one_line(error)
    if not isinstance(error, _DAMAGE) and not _DAMAGE_TOLD.match(said):
        return None
    inner, _, archive = location.rpartition("::")
    place = f"{inner.partition('://')[2]} in {archive}" if inner else location
    if "encrypted" in said:
        return BrokenFileError(f"{place} is encrypted. Unpack it with its password and pass the folder")
    if isinstance(error, EOFError) or "Truncated" in said:
        return BrokenFileError(f"{place} is cut short: its compressed data ends early. Get it again", cut_short=True)
    if isinstance(error, NotImplementedError):
        return BrokenFileError(f"{place} cannot be decompressed: {said}. Unpack it and pass the folder")
    return BrokenFileError(f"{place} is damaged: {said}. Get it again")


def fingerprint(location: str) -> str:
    """Return a string that changes when the file's content does.

    Local files are hashed (remembered for as long as their stat stays the same); remote ones answer with what their
    file system identifies a version by, such as an ETag or a commit.
    """
    if not is_remote(location):
        return _sha256(location, _version(location))
    outer = location.rpartition("::")[2]
    if outer == location:
        filesystem, path = _on_filesystem(location)
        return f"{location} {filesystem.ukey(path)}"
    if is_remote(outer):
        return f"{location} {fingerprint(outer)}"
    try:  # what changes with a member of a local archive, and not with the archive's other members
        return f"{location} {_sha256(location, _version(outer))}"
    except BrokenFileError:  # which whoever reads its rows will tell
        return f"{location} {_version(outer)}"


def sha256_of(location: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    if not is_remote(location):
        return fingerprint(location)
    with open_binary(location) as handle:
        return digest_of(handle)[0]


def _version(path: str) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@functools.lru_cache(maxsize=4096)
def _sha256(location: str, version: tuple[int, ...]) -> str:
    with open_binary(location) if is_remote(location) else open(location, "rb") as handle:
        return digest_of(handle)[0]


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

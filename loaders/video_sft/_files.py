"""Files: written whole or not at all, known again after a power cut, hashed.

What is being written has a name of its own, which begins with `UNFINISHED`, and is locked by its writer. A name whose
lock is free was left by a process that was killed, and goes when the next one writes into the same folder. What another
machine wrote goes by age alone: not every network file system has locks that reach further than one machine.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import secrets
import shutil
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from video_sft.errors import BuildError, one_line

try:
    import fcntl
except ImportError:  # Windows: what was left goes by age alone
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "NO_ROOM",
    "UNFINISHED",
    "Readable",
    "Stamp",
    "cache_error",
    "clear_abandoned",
    "delete_abandoned",
    "digest_of",
    "is_intact",
    "new_unfinished",
    "stamp_of",
    "sync",
    "this_machine",
    "unfinished_folder",
    "writing_cached",
    "writing_whole",
    "writing_whole_folder",
]

UNFINISHED = ".unfinished-"
#: What nothing else is known of is taken for abandoned when it has not changed for so long.
ABANDONED_SECONDS = 24 * 3600
#: What is read of a file to know it again: all of it up to 4 MB, else as many blocks spread over it.
_BLOCK, _BLOCKS = 8 << 10, 512
#: What the system says where a disk is full, or the user's share of it.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HASHED_AT_ONCE = 1 << 20
_tidied: set[Path] = set()


class Readable(Protocol):
    """Anything that hands out bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


def digest_of(file: Readable, *, algorithm: str = "sha256", head: bytes = b"") -> tuple[str, int]:
    """Return the hash of `head` and what an open file has to give, in hexadecimal, and the file's size in bytes.

    A bar is shown where that takes more than a few seconds.
    """
    from tqdm.auto import tqdm

    digest, size = hashlib.new(algorithm, head, usedforsecurity=False), 0
    with tqdm(desc="Hashing", unit="B", unit_scale=True, leave=False, delay=3.0, disable=None) as progress:
        while block := file.read(_HASHED_AT_ONCE):
            digest.update(block)
            size += len(block)
            progress.update(len(block))
    return digest.hexdigest(), size


class Stamp(NamedTuple):
    """What a file is known again by: its bytes, and a CRC-32 of them, or of blocks spread over a large one."""

    size: int
    checksum: int


@functools.cache
def this_machine() -> str:
    """Return what stands for this machine in the names of unfinished files."""
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


@contextlib.contextmanager
def writing_whole(path: str | os.PathLike[str], *, lasting: bool = True) -> Iterator[Path]:
    """Give the path of an empty file with the same suffix, which gets its name when the block ends without an error.

    What is there is replaced. `lasting` waits until it is on the disk, so that it is whole after a power cut too.
    """
    target = Path(path)
    if target.parent not in _tidied:
        _tidied.add(target.parent)
        clear_abandoned(target.parent)
    descriptor, unfinished = new_unfinished(target.parent, target.suffix[:16])
    if fcntl is None:  # where open files cannot be renamed
        os.close(descriptor)
    try:
        yield unfinished
        if lasting:
            sync(unfinished)
        os.replace(unfinished, target)
        if lasting:
            _sync_folder(target.parent)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(descriptor)


@contextlib.contextmanager
def writing_cached(path: Path) -> Iterator[Path]:
    """Do as `writing_whole`, and note beside the file what `is_intact` knows it by."""
    with writing_whole(path) as unfinished:
        yield unfinished
        stamp = stamp_of(unfinished)
    with writing_whole(_note_of(path)) as note:
        note.write_text(json.dumps(stamp))


def is_intact(path: Path) -> bool:
    """Return whether a file is there and as `writing_cached` left it; a few other bytes in a large one may pass."""
    try:
        return stamp_of(path) == Stamp(*json.loads(_note_of(path).read_bytes()))
    except (OSError, ValueError, TypeError):
        return False


def _note_of(path: Path) -> Path:
    digest = hashlib.blake2b(path.name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return path.with_name(f".whole-{digest}")


def stamp_of(path: str | os.PathLike[str]) -> Stamp:
    """Return what a file is known again by, in a few milliseconds however large it is."""
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        checksum = 0
        for number in range(min(-(-size // _BLOCK), _BLOCKS)):
            file.seek(number * _BLOCK if size <= _BLOCK * _BLOCKS else number * (size - _BLOCK) // (_BLOCKS - 1))
            checksum = zlib.crc32(file.read(_BLOCK), checksum)
    return Stamp(size, checksum)


def sync(path: str | os.PathLike[str]) -> None:
    """Wait until a file's content is on the disk."""
    with open(path, "rb+" if fcntl is None else "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: str | os.PathLike[str]) -> None:
    with contextlib.suppress(OSError):  # which not every system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def new_unfinished(folder: Path, suffix: str = "", *, mode: int = 0o666) -> tuple[int, Path]:
    """Make an empty file of a new name, locked as long as its descriptor is open; return both."""
    while True:
        path = folder / f"{UNFINISHED}{this_machine()}-{secrets.token_hex(4)}{suffix}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        if _locked(descriptor, path):
            return descriptor, path


@contextlib.contextmanager
def unfinished_folder(parent: Path, *, mode: int = 0o777) -> Iterator[Path]:
    """Give a new empty folder that nobody takes for abandoned; it is deleted at the end, unless it was renamed."""
    clear_abandoned(parent)
    while True:
        path = parent / f"{UNFINISHED}{this_machine()}-{secrets.token_hex(4)}"
        path.mkdir(mode)
        try:
            descriptor = os.open(path, os.O_RDONLY) if fcntl is not None else None
        except FileNotFoundError:  # cleared between its making and its locking
            continue
        if descriptor is None or _locked(descriptor, path):
            break
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


@contextlib.contextmanager
def writing_whole_folder(path: Path) -> Iterator[Path]:
    """Give a new empty folder, which gets its name when the block ends without an error; an empty one may be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(path.parent) as unfinished:
        yield unfinished
        for place, _, names in os.walk(unfinished, topdown=False):
            for name in names:
                sync(os.path.join(place, name))
            _sync_folder(place)
        if path.exists():
            path.rmdir()
        os.replace(unfinished, path)


def _locked(descriptor: int, path: Path) -> bool:
    """Lock what is new; return whether it is still there, and not cleared between its making and its locking."""
    if fcntl is None:
        return True
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    if os.path.lexists(path):
        return True
    os.close(descriptor)
    return False


def clear_abandoned(folder: str | os.PathLike[str]) -> None:
    """Delete what killed processes left unfinished in a folder; what cannot be deleted stays."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(UNFINISHED):
                delete_abandoned(entry)


def delete_abandoned(entry: os.DirEntry[str]) -> None:
    """Delete an unfinished file or folder, unless somebody may still be writing it."""
    descriptor = None
    with contextlib.suppress(OSError):  # it is locked, or gone already
        if fcntl is not None and entry.name.startswith(f"{UNFINISHED}{this_machine()}-"):
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif entry.stat(follow_symlinks=False).st_mtime >= time.time() - ABANDONED_SECONDS:
            return
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.remove(entry.path)
    if descriptor is not None:
        os.close(descriptor)


def cache_error(what: str, error: BaseException, folder: str | os.PathLike[str]) -> BuildError:
    """Return the error for what could not be written to a cache: what stopped, why, and what to do."""
    told = f"{what}: {type(error).__name__}: {one_line(error)}"
    elsewhere = "give another place as cache_dir or HF_DATASETS_CACHE"
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        path = Path(folder).absolute()
        free = shutil.disk_usage(next((each for each in (path, *path.parents) if each.is_dir()), "/")).free
        return BuildError(f"{told}. The cache {folder} has {free / 1e6:,.0f} MB left: make room, or {elsewhere}")
    return BuildError(f"{told}. Rows are written to the cache {folder}: see that it can be, or {elsewhere}")

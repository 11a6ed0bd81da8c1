"""The lists of what lies where in zip and tar files, each read once for an archive and process."""

from __future__ import annotations

import os
import posixpath
import tarfile
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from video_sft.video._bytes.byte_source import ByteSource, ReadableFile

__all__ = ["BadArchiveError", "Member", "Members", "archive_members", "member_name"]

#: Members that are remembered, of all archives together; the archives used least recently are forgotten first.
_MOST_MEMBERS = 2_000_000
#: The headers of a tar are 512 bytes each, with longer names and the like between them: more is a damaged file.
_LONGEST_HEADER = 16 << 20


class BadArchiveError(ValueError):
    """A file is no archive of the kind it should be, or its list of members is damaged."""


class Member(NamedTuple):
    """Where a member of an archive lies.

    Attributes:
        offset: of its bytes; in a zip of the header before them.
        size: in bytes, unpacked.
        packed: in bytes, as it lies in the archive.
        method: how it is packed, as `zipfile` numbers it; 0 is not at all.
        checksum: its CRC-32; 0 in a tar.
        encrypted: whether it needs a password.
        name: what the archive calls it; empty where it is not packed.
    """

    offset: int
    size: int
    packed: int
    method: int = zipfile.ZIP_STORED
    checksum: int = 0
    encrypted: bool = False
    name: str = ""


Members = Mapping[str, Member]


def member_name(name: str) -> str:
    """Return the name of a member as it is looked up: forward slashes, and neither `/` nor `./` in front."""
    name = name.replace("\\", "/")
    while name.startswith(("/", "./")):
        name = name[1:] if name[0] == "/" else name[2:]
    return name


class _Indexes:
    """Remembers the members of archives, by what tells one version of a file from another."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Members] = OrderedDict()
        self.take_locks()

    def take_locks(self) -> None:
        """Begin with fresh locks: those of a process that forked may be held by threads that are not here."""
        self._lock = threading.Lock()
        self._reading: dict[Hashable, threading.Lock] = {}

    def of(self, archive: ByteSource, kind: str, *, anew: bool = False) -> Members:
        """Return the files in an archive by their names (see `member_name`); of two with one name the last.

        Args:
            archive: told from other versions of the file by its `identity`, or its name and size.
            kind: `zip` or `tar`.
            anew: read it again: the archive is not what its name and size promised.

        Raises:
            BadArchiveError: it is no such archive.
        """
        key = (kind, archive.identity or (archive.name, archive.size))
        with self._lock:
            before = self._known.get(key)
            if before is not None and not anew:
                self._known.move_to_end(key)
                return before
            reading = self._reading.setdefault(key, threading.Lock())
        with reading:
            with self._lock:
                now = self._known.get(key)
            if now is not None and now is not before:
                return now
            made = dict(_zip_members(archive) if kind == "zip" else _tar_members(archive))
            with self._lock:
                self._known[key] = made
                self._known.move_to_end(key)
                self._reading.pop(key, None)
                while len(self._known) > 1 and sum(map(len, self._known.values())) > _MOST_MEMBERS:
                    self._known.popitem(last=False)
            return made


_indexes = _Indexes()
archive_members = _indexes.of
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_indexes.take_locks)


def _zip_members(archive: ByteSource) -> Iterator[tuple[str, Member]]:
    try:
        opened = zipfile.ZipFile(ReadableFile(archive))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise BadArchiveError(str(error) or type(error).__name__) from error
    # In a zip that was written in pieces (`.z01`, `.zip`) offsets count from the piece they are in, and `zipfile` takes
    # all of them for offsets in the piece that the list of members begins in.
    starts: Sequence[int] = getattr(archive, "disks", ())
    base = max((start for start in starts if start <= opened.start_dir), default=0)
    with opened:
        for info in opened.infolist():
            if info.is_dir():
                continue
            offset = info.header_offset
            if starts:
                offset += starts[min(info.volume, len(starts) - 1)] - base
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                yield member_name(info.filename), Member(offset, info.file_size, info.file_size)
            else:
                facts = info.compress_type, info.CRC, bool(info.flag_bits & 1), info.filename
                yield member_name(info.filename), Member(offset, info.file_size, info.compress_size, *facts)


def _tar_members(archive: ByteSource) -> Iterator[tuple[str, Member]]:
    """Read a tar's headers, one before each member; links count where they lead to a member of the same tar."""
    links: dict[str, str] = {}
    members: dict[str, Member] = {}
    for info in _tar_headers(archive):
        name = member_name(info.name)
        if info.isreg() and not info.issparse():
            members[name] = Member(info.offset_data, info.size, info.size)
            links.pop(name, None)
        elif info.islnk():
            links[name] = member_name(info.linkname)
        elif info.issym():
            links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
    yield from members.items()
    for name, target in links.items():
        for _ in range(8):
            target = links.get(target, target)
        if target in members:
            yield name, members[target]


def _tar_headers(archive: ByteSource) -> Iterator[tarfile.TarInfo]:
    reached = -1
    try:
        with tarfile.TarFile(fileobj=_Headers(archive), errors="surrogateescape") as opened:
            while (info := opened.next()) is not None:
                if info.offset <= reached:
                    raise tarfile.ReadError("its headers lead back to where they come from")
                reached = info.offset
                yield info
                opened.members = []  # type: ignore[attr-defined]  # it would keep them all
    except (tarfile.TarError, ValueError, OSError, EOFError, OverflowError) as error:
        if reached < 0:
            raise BadArchiveError(str(error) or type(error).__name__) from error
        # A tar that was cut short has members all the same; opening one that is not all there says so.


class _Headers(ReadableFile):
    """A tar's headers for `tarfile`, which would read anything it is told the length of."""

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return super().read(size)

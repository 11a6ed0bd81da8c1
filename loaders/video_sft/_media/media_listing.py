"""Listing the files of a folder, an archive or a file system URL: once, however many rows ask."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fsspec.core import url_to_fs

from video_sft._media.pool_places import archive_root, is_packed_tar, unpacking
from video_sft._places import is_remote, join
from video_sft._suffixes import SUFFIXES, suffix_of
from video_sft.errors import MissingMediaError, VideoError, one_line
from video_sft.video._bytes.archive_index import BadArchiveError, member_name
from video_sft.video._bytes.joined import first_parts, is_part
from video_sft.video._bytes.media_bytes import MediaBytes, archive_at
from video_sft.video._reading.frame_folder import is_frame, natural

__all__ = ["Notes", "inner_archives", "is_archive_part", "list_files", "videos_under"]

_VIDEOS = frozenset(SUFFIXES["video"])
#: A folder that begins with so many frames, and no folder among them, is one item.
_ENOUGH_FRAMES = 8


@dataclass
class Notes:
    """What a listing had to leave out, for the message about what was not found.

    Attributes:
        unreadable: folders that could not be listed.
        packed: compressed tars, which are not looked into.
        broken: archives that could not be read, and why.
    """

    unreadable: list[str] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def sentences(self) -> str:
        """Return all of it in words, to follow a sentence without its full stop."""
        told = ""
        if self.packed:
            told += f". Not looked into: {_some(self.packed)}. {unpacking(self.packed[0])}"
        if self.broken:
            told += f". Archives that cannot be read: {_some(self.broken)}"
        if self.unreadable:
            told += f". Folders that cannot be listed: {_some(self.unreadable)}"
        return told


def _some(words: list[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3:,} more" if len(words) > 3 else "")


def list_files(root: str, notes: Notes, *, frames: bool = False) -> Iterator[str]:
    """Yield the paths of all files under a root, relative to it, with forward slashes.

    Links are followed, but never into one folder twice; what cannot be looked at is passed over.

    Args:
        root: of a `video_sft._media.pool_places.MediaPlace`.
        notes: is told of what was passed over.
        frames: a folder of frames stands for one item: the first of them are enough, which spares millions.

    Raises:
        MissingMediaError: there is no such folder, archive or URL.
    """
    if not is_remote(root):
        if not os.path.isdir(root):
            raise MissingMediaError(f"the media folder {root!r} is not there")
        yield from _walk(root, notes, frames)
        return
    if (archive := archive_at(root)) is not None:
        yield from _members(root, *archive)
        return
    try:
        filesystem, path = url_to_fs(root)
        found = filesystem.find(path)
    except (OSError, ValueError, ImportError) as error:
        raise MissingMediaError(f"the media location {root!r} cannot be listed: {one_line(error)}") from None
    if not found and not filesystem.exists(path):
        raise MissingMediaError(f"the media location {root!r} is not there")
    base = path.rstrip("/")
    for name in found:
        relative = name[len(base) :] if name.startswith(base) else name
        yield relative.lstrip("/")


def videos_under(root: str, notes: Notes) -> Iterator[tuple[str, str]]:
    """Yield the path of each video under a root, in archives too, and its location.

    Args:
        root: of a `video_sft._media.pool_places.MediaPlace`.
        notes: is told of what was passed over.

    Raises:
        MissingMediaError: there is no such folder, archive or URL.
    """
    archives = []
    for path in sorted(list_files(root, notes)):
        if suffix_of(path) in _VIDEOS:
            yield path, join(root, path)
        elif is_archive_part(path):
            archives.append(path)
    for archive in inner_archives(root, archives, notes):
        name = archive.rpartition("::")[2].removeprefix(f"{root}/")
        try:
            inside = sorted(list_files(archive, notes))
        except MissingMediaError as error:
            notes.broken.append(str(error))
            continue
        yield from ((f"{name}/{path}", join(archive, path)) for path in inside if suffix_of(path) in _VIDEOS)


def is_archive_part(path: str) -> bool:
    """Return whether a file may be an archive that could lie among media, or a piece of one, by its name."""
    return path.lower().endswith((".zip", ".tar")) or is_packed_tar(path) or is_part(path)


def inner_archives(root: str, files: list[str], notes: Notes) -> Iterator[str]:
    """Yield the roots of the archives among those of a folder's files that may be parts of one, as the Hub has them."""
    pieces: dict[str, set[str]] = {}
    there = set(files)
    for path in sorted(files, key=natural):
        if is_packed_tar(path):
            notes.packed.append(path)
        elif path.lower().endswith((".zip", ".tar")):
            stem = path[:-4]
            if f"{stem}.z01" in there or f"{stem}.Z01" in there:
                continue  # the last piece of a zip in several
            inside = archive_root(join(root, path))
            if inside is not None and (inside.startswith("zip") or not is_remote(root)):
                yield inside
            else:
                notes.broken.append(f"{path}: a remote tar has no list of its members; download it")
        else:
            folder, _, name = path.rpartition("/")
            pieces.setdefault(folder, set()).add(name)
    for folder, names in pieces.items():
        prefix = f"{folder}/" if folder else ""
        for path in there:
            if path.startswith(prefix) and "/" not in path[len(prefix) :]:
                names.add(path[len(prefix) :])
        for first, missing in first_parts(names):
            if missing is not None:
                notes.broken.append(f"{prefix}{first}: the pieces after it have a gap, {missing} is missing")
            elif (inside := archive_root(join(root, prefix + first))) is not None:
                yield inside


def _members(root: str, kind: str, prefix: str, source: MediaBytes) -> Iterator[str]:
    try:
        members = source.members(kind)
    except (VideoError, BadArchiveError, OSError) as error:
        raise MissingMediaError(f"the media archive {root!r} cannot be listed: {one_line(error)}") from None
    folder = member_name(prefix).rstrip("/")
    start = f"{folder}/" if folder else ""
    for name in members:
        if name.startswith(start) and "::" not in name:
            yield name[len(start) :]


def _walk(root: str, notes: Notes, frames: bool) -> Iterator[str]:
    """Walk a folder, following links to folders but never into one twice."""
    seen: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        place = os.path.join(root, folder)
        inner: list[str] = []
        seen_frames = 0
        try:
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    relative = f"{folder}/{entry.name}" if folder else entry.name
                    if _holds(entry.is_dir):
                        inner.append(relative)
                    elif _holds(entry.is_file) and _is_text(relative):
                        yield relative
                        seen_frames += is_frame(entry.name)
                        if frames and folder and seen_frames == _ENOUGH_FRAMES and not inner:
                            break
        except FileNotFoundError:
            continue  # deleted since its parent was listed
        except OSError as error:
            if not folder:
                raise MissingMediaError(f"the media folder {place!r} cannot be listed: {error.strerror}") from None
            notes.unreadable.append(place)
        folders += inner


def _holds(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link that leads to itself
        return False


def _is_text(path: str) -> bool:
    """Return whether a name can stand in a table: some file systems hold bytes that are no text."""
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)

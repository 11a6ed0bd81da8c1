"""A pool's place as a user gives it: a folder, an archive, a split one, a URL; with a rate of frames where stated."""

from __future__ import annotations

import os
from dataclasses import dataclass

from video_sft._places import is_remote
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.video._bytes.joined import find_first, join_parts, whole_name
from video_sft.video._reading.frame_folder import split_frames

__all__ = ["MediaPlace", "archive_root", "is_packed_tar", "place_of", "unpacking"]

_PACKED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
_PACKINGS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class MediaPlace:
    """Where media are.

    Attributes:
        root: a folder, a URL, or the inside of an archive; `video_sft._places.join` gives what lies under it.
        fps: frames a second of the folders of frames in it, where the user says so.
    """

    root: str
    fps: float | None = None


def place_of(given: str | os.PathLike[str]) -> MediaPlace:
    """Understand one place: a folder, a zip or plain tar, the first piece of one that was split, or an fsspec URL.

    `frames://fps=2::` in front states the rate of folders of frames.

    Raises:
        ConfigError: the rate is none.
        MissingMediaError: there is no such place, or it is a compressed tar, which cannot be read in place.
    """
    try:
        text, fps = split_frames(os.fspath(given))
    except ValueError as error:
        raise ConfigError(f"media is {given!r}: {error}") from None
    if is_remote(text):
        text = text.rstrip("/")
        return MediaPlace((None if "::" in text else archive_root(text)) or text, fps)
    path = os.path.abspath(os.path.expanduser(text))
    if os.path.isdir(path):
        return MediaPlace(path, fps)
    first = find_first(path)
    if first is not None:
        return MediaPlace(_checked(archive_root(first), first), fps)
    if not os.path.isfile(path):
        raise MissingMediaError(f"the media place {path!r} is not there")
    return MediaPlace(_checked(archive_root(path) or _by_content(path), path), fps)


def archive_root(location: str) -> str | None:
    """Return the inside of a zip or tar by its name or that of its first piece; None where it is neither."""
    lower = location.lower()
    if lower.endswith(".zip"):
        return f"zip://::{location}"
    if lower.endswith(".tar"):
        return f"tar://::{location}"
    whole = join_parts(location)
    kind = whole.partition("::")[0].lower()
    if kind != f"parts://{location.rpartition('/')[2].lower()}" and kind.endswith((".zip", ".tar")):
        return f"{kind[-3:]}://::{whole}"
    return None


def is_packed_tar(location: str) -> bool:
    """Return whether a file is a compressed tar, or a piece of one, by its name."""
    return join_parts(location).partition("::")[0].lower().endswith(_PACKED_TARS)


def unpacking(path: str) -> str:
    """Return the sentence that helps with a compressed tar."""
    whole = whole_name(path)
    folder = os.path.join(os.path.dirname(path), whole)
    for ending in _PACKED_TARS:
        folder = folder.removesuffix(ending)
    if whole != os.path.basename(path):
        pieces = f"{path.rpartition(whole)[0]}{whole}*"
        return f"Join and unpack its pieces (mkdir {folder}; cat {pieces} | tar -xz -C {folder}) and give the folder"
    return (
        "A compressed tar has no parts that could be read by themselves. Unpack it "
        f"(mkdir {folder}; tar -xf {path} -C {folder}) and give the folder, or take the compression off "
        f"(such as gunzip {path}): a plain .tar is read in place"
    )


def _by_content(path: str) -> str | None:
    """Return the inside of an archive whose name does not say what it is."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return f"zip://::{path}"
    return f"tar://::{path}" if head[257:262] == b"ustar" else None


def _checked(root: str | None, path: str) -> str:
    """Return a root that is no compressed tar, whatever it is called.

    Raises:
        MissingMediaError: it is, or it is no archive at all.
    """
    with open(path, "rb") as file:
        head = file.read(8)
    packing = next((name for mark, name in _PACKINGS.items() if head.startswith(mark)), None)
    if packing is not None and (root is None or root.startswith("tar://")):
        raise MissingMediaError(f"{path!r} is a tar compressed with {packing}. {unpacking(path)}")
    if root is None:
        raise MissingMediaError(f"the media place {path!r} is a file, and no zip or tar; give the folder it lies in")
    return root

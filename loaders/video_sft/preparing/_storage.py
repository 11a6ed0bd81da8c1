"""Files of a prepared root, on this machine or at any fsspec URL: each is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from video_sft._files import UNFINISHED, sync, writing_whole
from video_sft._places import is_remote, join

__all__ = ["location_in", "put_bytes", "put_file", "remove", "root_text", "rooted"]

#: File systems where a file appears when it has been sent whole, and renaming would copy it.
_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "r2", "hf", "memory"})


def root_text(root: str | os.PathLike[str]) -> str:
    """Return a root as one string: an absolute path of this machine, or a URL without a slash at its end."""
    text = os.fspath(root)
    if is_remote(text) and not text.startswith("file://"):
        return text.rstrip("/")
    return os.path.abspath(os.path.expanduser(text.removeprefix("file://")))


def location_in(root: str | os.PathLike[str], location: str) -> str:
    """Return what a manifest's `location` means: a path or URL that `video_sft.Clip` opens.

    Args:
        root: of the manifest.
        location: `media/ab/….mp4`, `zip://….mp4::packs/….zip`, or either with `frames://fps=2::` in front.
    """
    hops, chained, inside = location.rpartition("::")
    return f"{hops}{chained}{join(root_text(root), inside)}"


def rooted(root: str, relative: str) -> str:
    """Return the location of a file of a root, whose folder is there afterwards where that matters."""
    place = join(root, relative)
    if not is_remote(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
    return place


def put_file(root: str, relative: str, file: Path) -> None:
    """Move a finished file to its place in a root; the same content may be there already."""
    place = rooted(root, relative)
    if is_remote(place):
        _send(place, lambda filesystem, path: filesystem.put_file(str(file), path))
        file.unlink()
        return
    sync(file)
    try:
        os.replace(file, place)
    except OSError:  # on another disk
        with writing_whole(place) as unfinished:
            shutil.copyfile(file, unfinished)
        file.unlink()


def put_bytes(root: str, relative: str, data: bytes) -> None:
    """Write a small file of a root."""
    place = rooted(root, relative)
    if is_remote(place):
        _send(place, lambda filesystem, path: filesystem.pipe_file(path, data))
        return
    with writing_whole(place) as unfinished:
        unfinished.write_bytes(data)


def remove(root: str, relative: str) -> None:
    """Delete a file of a root, if it is there."""
    place = join(root, relative)
    with contextlib.suppress(FileNotFoundError):
        if is_remote(place):
            filesystem, path = _filesystem(place)
            filesystem.rm_file(path)
        else:
            os.unlink(place)


def _send(place: str, send: Any) -> None:
    """Send a file to a server: under a name of its own first, where files show while they are being written."""
    filesystem, path = _filesystem(place)
    protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
    folder, _, name = path.rpartition("/")
    if protocols & _STORES:
        filesystem.makedirs(folder, exist_ok=True)
        send(filesystem, path)
        return
    filesystem.makedirs(folder, exist_ok=True)
    unfinished = f"{folder}/{UNFINISHED}{secrets.token_hex(8)}-{name}"
    try:
        send(filesystem, unfinished)
        filesystem.mv(unfinished, path)
    except BaseException:
        with contextlib.suppress(Exception):
            filesystem.rm_file(unfinished)
        raise


def _filesystem(place: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # local roots do without

    filesystem, path = url_to_fs(place)
    return filesystem, path

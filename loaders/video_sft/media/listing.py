"""Listing the files of a folder, a zip or a file system URL: once, however many rows ask."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator

from fsspec.core import url_to_fs

from video_sft.errors import MissingMediaError
from video_sft.locations import is_remote

__all__ = ["list_files"]


def list_files(root: str) -> Iterator[str]:
    """Yield the paths of all files under a root, relative to it, with forward slashes.

    Args:
        root: what `video_sft.locations.root_of` returns.

    Raises:
        MissingMediaError: there is no such folder, zip or URL.
    """
    if not is_remote(root):
        if not os.path.isdir(root):
            raise MissingMediaError(f"the media folder {root!r} is not there")
        yield from _walk(root)
        return
    try:
        filesystem, path = url_to_fs(root)
        found = filesystem.find(path)
    except (FileNotFoundError, zipfile.BadZipFile) as error:
        raise MissingMediaError(f"the media location {root!r} cannot be listed: {error}") from None
    if not found and not filesystem.exists(path):
        raise MissingMediaError(f"the media location {root!r} is not there")
    base = path.rstrip("/")
    for name in found:
        relative = name[len(base) :] if name.startswith(base) else name
        yield relative.lstrip("/")


def _walk(root: str) -> Iterator[str]:
    """Walk a folder, following links to folders but never into one twice."""
    seen: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        place = os.path.join(root, folder)
        try:
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                found = [(entry.name, entry.is_dir()) for entry in entries if entry.is_dir() or entry.is_file()]
        except FileNotFoundError:
            continue  # deleted since its parent was listed
        except OSError as error:
            raise MissingMediaError(f"the media folder {place!r} cannot be listed: {error.strerror}") from None
        for name, is_folder in found:
            relative = f"{folder}/{name}" if folder else name
            if is_folder:
                folders.append(relative)
            else:
                yield relative

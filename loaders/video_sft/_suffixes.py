"""The suffixes of media files, and paths without them."""

from __future__ import annotations

from typing import Literal

__all__ = ["SUFFIXES", "MediaKind", "name_of", "suffix_of", "without_suffix"]

MediaKind = Literal["video", "image"]

#: By preference: what upstream's own downloads mostly are comes first.
SUFFIXES: dict[MediaKind, tuple[str, ...]] = {
    "video": ("mp4", "mkv", "webm", "avi", "mov", "m4v", "gif", "mpg", "mpeg", "ts", "flv", "wmv", "3gp", "ogv"),
    "image": ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"),
}
_KNOWN = frozenset(SUFFIXES["video"] + SUFFIXES["image"])


def name_of(path: str) -> str:
    """Return the last part of a path."""
    return path.rpartition("/")[2]


def suffix_of(path: str) -> str:
    """Return a path's suffix in small letters, without the dot; a name without a dot is its own."""
    return name_of(path).rpartition(".")[2].lower()


def without_suffix(path: str) -> str:
    """Return a path without a known media suffix; YouTube ids and the like may have dots of their own."""
    plain, dot, suffix = path.rpartition(".")
    return plain if dot and suffix.lower() in _KNOWN else path

"""Files that were split into pieces (`x.zip.partaa`, `x.tar.001`, `x.z01`), read in place as the one they were.

`parts://x.zip::/data/x.zip.partaa` names the whole by its first piece; fsspec knows it too (see
`video_sft.video._bytes.parts_filesystem`), so `zip://a.mp4::parts://x.zip::/data/x.zip.partaa` is a member of it to any
reader.
"""

from __future__ import annotations

import bisect
import itertools
import os
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing

from video_sft.video._bytes.byte_source import ByteSource

__all__ = [
    "JoinedBytes", "find_first", "first_parts", "is_part", "is_spanned", "join_parts", "parts_from", "split_parts",
    "whole_name",
]  # fmt: skip

_HOP = re.compile(r"parts://([^:]*)::(.*)", re.DOTALL)
#: What `split`, 7-Zip and the Hub's uploaders call pieces: letters from `aa` on, or numbers from 0 or 1 on.
_PART = re.compile(
    r"(?P<whole>.+\.(?:zip|tar(?:\.(?:gz|bz2|xz|zst))?|tgz))(?P<mark>[._-]?(?:part)?[._-]?)"
    r"(?P<number>\d{1,5}|(?!(?:gz|xz|bz|lz|zst)$)[a-z]{2,4})",
    re.IGNORECASE,
)
_SPANNED = re.compile(r"(?P<whole>.+)\.z(?P<number>\d{2,3})", re.IGNORECASE)


def split_parts(url: str) -> str | None:
    """Return the first piece that a ``parts://`` URL names; None of other URLs."""
    match = _HOP.fullmatch(url)
    return match[2] if match else None


def join_parts(first: str) -> str:
    """Return the ``parts://`` URL of the file that begins with a piece."""
    return f"parts://{whole_name(first)}::{first}"


def whole_name(first: str) -> str:
    """Return the name of the file that begins with a piece."""
    name = posixpath.basename(first.rpartition("::")[2])
    return f"{_whole(name)}.zip" if is_spanned(name) else _whole(name)


def find_first(path: str) -> str | None:
    """Return the first piece of a local file that was split, by any of its pieces or by the name it had."""
    folder, name = os.path.split(path)
    stem, ending = os.path.splitext(path)
    if ending.lower() == ".zip" and os.path.exists(path):
        return next((f"{stem}{first}" for first in (".z01", ".Z01") if os.path.exists(f"{stem}{first}")), None)
    if os.path.exists(path) and not is_part(name):
        return None
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return None
    firsts = (other for other in sorted(names) if _is_first(other) and _whole(other) == _whole(name))
    like = _series(name)
    return next((os.path.join(folder, other) for other in firsts if like in (None, _series(other))), None)


def _piece(name: str) -> re.Match[str] | None:
    return _SPANNED.fullmatch(name) or _PART.fullmatch(name)


def _whole(name: str) -> str:
    match = _piece(name)
    return match["whole"] if match else name


def first_parts(names: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Yield which of a folder's files are first pieces, each with the piece that is missing further on, if one is."""
    for name in sorted(names):
        if _is_first(name):
            pieces = list(parts_from(name, names.__contains__))
            like = _series(name)
            later = [other for other in names if other not in pieces and like is not None and _series(other) == like]
            yield name, _next(pieces[-1] if not pieces[-1].lower().endswith(".zip") else pieces[-2]) if later else None


def parts_from(first: str, is_there: Callable[[str], bool]) -> Iterator[str]:
    """Yield the pieces of a file, from the first to the last, by paths or names of which `is_there` tells."""
    place: str | None = first
    while place is not None and (place == first or is_there(place)):
        yield place
        place = _next(place)
    if is_spanned(first):
        yield from itertools.islice(filter(is_there, (_whole(first) + ending for ending in (".zip", ".ZIP"))), 1)


def is_part(path: str) -> bool:
    """Return whether a file may be a piece of a split archive, by its name."""
    return _piece(path) is not None


def is_spanned(first: str) -> bool:
    """Return whether a first piece is the first disk of a zip."""
    return _SPANNED.fullmatch(first) is not None


def _is_first(name: str) -> bool:
    if spanned := _SPANNED.fullmatch(name):
        return int(spanned["number"]) == 1
    part = _PART.fullmatch(name)
    if part is None or (not part["mark"] and not part["number"].isdigit()):
        return False
    number = part["number"].lower()
    return set(number) == {"a"} if number.isalpha() else int(number) in (0, 1)


def _series(name: str) -> tuple[str, ...] | None:
    """Return what pieces of one file have in common."""
    if spanned := _SPANNED.fullmatch(name):
        return spanned["whole"], "z"
    part = _PART.fullmatch(name)
    if part is None:
        return None
    number = part["number"]
    # Letters of another length are no piece: the `gz` of `x.tar.gz` is not, beside an `x.tar.aaa`.
    return part["whole"], part["mark"], "letters" + str(len(number)) if number.isalpha() else "digits"


def _next(place: str) -> str | None:
    """Return the name of the next piece; None after the last there can be."""
    match = _piece(place)
    if match is None:
        return None
    number = match["number"]
    front = place[: match.start("number")]
    if number.isdigit():
        return front + str(int(number) + 1).zfill(len(number))
    rest = number.rstrip("zZ")
    if not rest:
        return None
    wrapped = "".join("a" if letter == "z" else "A" for letter in number[len(rest) :])
    return front + rest[:-1] + chr(ord(rest[-1]) + 1) + wrapped


class JoinedBytes(ByteSource):
    """Several files, one behind the other, as one byte source, which closes them.

    Attributes:
        disks: where each begins, if they are the disks of one zip (`.z01`), whose offsets count from the disk they are
            on; none otherwise.
    """

    def __init__(self, name: str, parts: Sequence[ByteSource], *, spanned: bool) -> None:
        self.name = name
        self.remote = any(part.remote for part in parts)
        self._parts = parts
        self._spanned = spanned
        *self._starts, self.size = itertools.accumulate((part.size for part in parts), initial=0)
        self.disks = tuple(self._starts) if spanned else ()
        self.identity = tuple(part.identity or (part.name, part.size) for part in parts)

    def _spans(self, offset: int, size: int) -> Iterator[tuple[ByteSource, int, int]]:
        end = min(offset + size, self.size)
        number = bisect.bisect_right(self._starts, offset) - 1
        while offset < end:
            part, start = self._parts[number], self._starts[number]
            count = min(end, start + part.size) - offset
            if count > 0:
                yield part, offset - start, count
                offset += count
            number += 1

    def prefetch(self, spans: Sequence[tuple[int, int]]) -> None:
        """Announce spans."""
        wanted: dict[int, tuple[ByteSource, list[tuple[int, int]]]] = {}
        for offset, size in spans:
            for part, inside, count in self._spans(offset, size):
                wanted.setdefault(id(part), (part, []))[1].append((inside, count))
        for part, own in wanted.values():
            part.prefetch(own)

    def forget(self) -> None:
        """Drop what was announced."""
        for part in self._parts:
            part.forget()

    def read_through(self) -> None:
        """Say that all of it will be read."""
        for part in self._parts:
            part.read_through()

    def parts(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield those of one piece after the other."""
        for part, inside, count in self._spans(offset, size):
            yield from part.parts(inside, count)

    def reopened(self) -> JoinedBytes:
        """Open all pieces once more."""
        with ExitStack() as opened:
            parts = [opened.enter_context(closing(part.reopened())) for part in self._parts]
            opened.pop_all()
        return JoinedBytes(self.name, parts, spanned=self._spanned)

    def close(self) -> None:
        """Close all pieces."""
        for part in self._parts:
            part.close()

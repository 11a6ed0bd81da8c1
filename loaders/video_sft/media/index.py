"""Finding one item among a pool's files, whatever layout the user has them in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

from video_sft.locations import join
from video_sft.media.listing import list_files
from video_sft.media.pools import Pool

__all__ = ["MediaIndex", "Modality"]

Modality = Literal["video", "image"]

#: By preference: what upstream's own downloads mostly are comes first.
_SUFFIXES: dict[str, tuple[str, ...]] = {
    "video": ("mp4", "mkv", "webm", "avi", "mov", "m4v", "gif", "mpg", "mpeg", "ts", "flv", "wmv", "3gp", "ogv"),
    "image": ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"),
}


class MediaIndex:
    """The files of one pool by name; each root is listed once, when the index is made.

    Args:
        pool: how the pool's files are recognised.
        roots: folders, zips or URLs as `video_sft.locations.root_of` returns them; the first that has an item wins.
    """

    def __init__(self, pool: Pool, roots: Iterable[str]) -> None:
        self.pool = pool
        self.roots = list(roots)
        self.size = 0
        self._by_stem: list[dict[str, list[str]]] = []
        for root in self.roots:
            stems: dict[str, list[str]] = defaultdict(list)
            for path in list_files(root):
                stems[self._folded(_stem(path))].append(path)
                self.size += 1
            self._by_stem.append(dict(stems))

    def find(self, path: str, modality: Modality) -> str | None:
        """Return the location of an item, or None.

        Args:
            path: its usual place inside the pool, such as `1164/3238737531.mp4`.
            modality: which kinds of file will do.
        """
        for wanted in self._spellings(path):
            for root, stems in zip(self.roots, self._by_stem, strict=True):
                found = self._best(stems.get(self._folded(_stem(wanted)), ()), wanted, modality)
                if found is not None:
                    return join(root, found)
        return None

    def find_cut(self, key: str) -> str | None:
        """Return the location of a clip already cut to the row with this native key, or None."""
        if not self.pool.cut_by_row:
            return None
        for root, stems in zip(self.roots, self._by_stem, strict=True):
            for path in stems.get(self._folded(key), ()):
                if _suffix(path) in _SUFFIXES["video"]:
                    return join(root, path)
        return None

    def _folded(self, text: str) -> str:
        return text.casefold() if self.pool.ignore_case else text

    def _spellings(self, path: str) -> Iterator[str]:
        yield path
        prefix = self.pool.optional_prefix
        folder, _, name = path.rpartition("/")
        if prefix and name.startswith(prefix):
            yield f"{folder}/{name[len(prefix) :]}" if folder else name[len(prefix) :]

    def _best(self, candidates: Iterable[str], wanted: str, modality: Modality) -> str | None:
        """Return the candidate that agrees most with the path wanted: whole path, end of path, then name alone."""
        suffixes = _SUFFIXES[modality]
        preferred = _suffix(wanted)
        target = self._folded(_without_suffix(wanted))
        ranked = []
        for path in candidates:
            suffix = _suffix(path)
            if suffix not in suffixes:
                continue
            plain = self._folded(_without_suffix(path))
            if plain == target:
                agreement = 0
            elif plain.endswith(f"/{target}"):
                agreement = 1
            elif self.pool.unique_names:
                agreement = 2
            else:
                continue
            order = -1 if suffix == preferred else suffixes.index(suffix)
            ranked.append((agreement, order, path.count("/"), path))
        return min(ranked)[-1] if ranked else None


def _stem(path: str) -> str:
    return _without_suffix(path.rpartition("/")[2])


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def _without_suffix(path: str) -> str:
    """Return a path without a known media suffix; YouTube ids and the like may have dots of their own."""
    plain, dot, suffix = path.rpartition(".")
    known = suffix.lower() in _SUFFIXES["video"] or suffix.lower() in _SUFFIXES["image"]
    return plain if dot and known else path

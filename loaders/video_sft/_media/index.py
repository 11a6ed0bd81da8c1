"""Finding one item among a pool's files, whatever layout the user has them in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from video_sft._media.media_listing import Notes, inner_archives, is_archive_part, list_files
from video_sft._media.path_table import PathTable
from video_sft._media.pool_places import MediaPlace, place_of
from video_sft._media.prepared import PreparedPlace, RowPart, prepared_place
from video_sft._media.youtube_clips import clip_agreement
from video_sft._places import join
from video_sft._sources.pool import Pool
from video_sft._suffixes import SUFFIXES, MediaKind, name_of, suffix_of, without_suffix
from video_sft.errors import MissingMediaError
from video_sft.video._bytes.joined import split_parts
from video_sft.video._reading.frame_folder import DEFAULT_FPS, frames_url, is_frame

__all__ = ["MediaIndex", "MediaIndexes"]

_VIDEOS, _IMAGES = frozenset(SUFFIXES["video"]), frozenset(SUFFIXES["image"])


class MediaIndex:
    """The files of one pool by name; each place is listed once, when the index is made.

    Zips and plain tars in a folder are looked into as if they were folders. A folder of numbered images is a video.

    Args:
        pool: how the pool's files are recognised.
        places: folders, archives or URLs, see `video_sft._media.pool_places.place_of`, or prepared roots; the first
            that has an item wins.
        known: prepared roots that were read for other pools; those read for this one join them.

    Attributes:
        pool: see above.
        roots: the places, as messages name them.
        size: how many files there are; folders of frames of a pool that has these count as one.
        notes: what could not be looked into.
        example: one of the files, for messages.
        rates: frames a second of the folders of frames that were handed out, each with whether it is a guess.

    Raises:
        MissingMediaError: a place is not there, or cannot be looked into.
    """

    def __init__(
        self,
        pool: Pool,
        places: Iterable[str | os.PathLike[str]],
        known: dict[str, PreparedPlace] | None = None,
    ) -> None:
        self.pool = pool
        self.size = 0
        self.notes = Notes()
        self.example: str | None = None
        self.rates: dict[float, bool] = {}
        known = {} if known is None else known
        self._places: list[_Listed | PreparedPlace] = []
        for given in places:
            prepared = prepared_place(given, known)
            self._places.append(_Listed(self, place_of(given)) if prepared is None else prepared)
        self.roots = [place.shown for place in self._places]
        for place in self.prepared:
            self.size += len(place)
            self.example = self.example or place.example

    @property
    def prepared(self) -> list[PreparedPlace]:
        """The places that are prepared roots."""
        return [place for place in self._places if isinstance(place, PreparedPlace)]

    def find(self, path: str, modality: MediaKind, part: RowPart = (None, None, None)) -> str | None:
        """Return the location of an item by its usual place in the pool, `1164/3238737531.mp4`, or None.

        Of a prepared root, that is the file which has the part of the video that a row is about.
        """
        for wanted in self._spellings(path):
            plain = without_suffix(wanted)
            for place in self._places:
                if isinstance(place, PreparedPlace):
                    prepared = place.find(f"{self.pool.name}/{wanted}", part) if modality == "video" else None
                    if prepared is not None:
                        return prepared
                    continue
                found = self._best(place, place.files(modality).candidates(plain), wanted, modality)
                if found is not None:
                    return place.location(*found)
                if modality == "video":
                    found = self._best(place, place.folders.candidates(plain), wanted, None)
                    if found is not None:
                        return frames_url(place.location(*found), self._rate(place))
        return None

    def find_cut(self, key: str) -> str | None:
        """Return the location of a clip already cut to the row with this native key, or None."""
        if not self.pool.cut_by_row:
            return None
        for place in self._places:
            if isinstance(place, PreparedPlace):
                continue
            found = self._best(place, place.files("video").candidates(key), f"{key}.mp4", "video")
            if found is not None:
                return place.location(*found)
        return None

    def _rate(self, place: _Listed) -> float:
        stated = place.fps or self.pool.fps
        rate = DEFAULT_FPS if stated is None else stated
        self.rates[rate] = stated is None
        return rate

    def _spellings(self, path: str) -> Iterator[str]:
        yield path
        prefix = self.pool.optional_prefix
        folder, _, name = path.rpartition("/")
        if prefix and name.startswith(prefix):
            yield f"{folder}/{name[len(prefix) :]}" if folder else name[len(prefix) :]

    def _best(
        self, place: _Listed, candidates: Iterable[tuple[int, str]], wanted: str, modality: MediaKind | None
    ) -> tuple[int, str] | None:
        """Return the candidate that agrees most with the path wanted: whole path, end of path, then name alone.

        Of two that agree as much, exact case comes before other case, then the suffix wanted, then the usual ones. A
        candidate is the number of a root and a path in it; folders, which have no suffix, have no modality.
        """
        suffixes = SUFFIXES[modality] if modality else ()
        target = without_suffix(wanted)
        ranked = []
        for number, path in candidates:
            suffix = suffix_of(path) if modality else ""
            if modality and suffix not in suffixes:
                continue
            plain = without_suffix(path) if modality else path
            root = place.location(number, "") if self.pool.youtube_clips else ""
            agreement = self._agreement(plain, target, root)
            if agreement is None:
                continue
            other_case = name_of(plain) != name_of(target)
            order = -1 if not modality or suffix == suffix_of(wanted) else suffixes.index(suffix)
            other_spelling = name_of(path) != name_of(wanted)
            ranked.append((agreement, other_case, order, other_spelling, number, path.count("/"), path))
        if not ranked:
            return None
        best = min(ranked)
        if self.pool.youtube_clips and best[0] > _SURE:
            # One path tells the seconds and the other does not: of two clips of the video either may be meant.
            clips = {name_of(without_suffix(each[-1])) for each in ranked if each[0] == best[0]}
            if len(clips) > 1:
                return None
        return best[4], best[-1]

    def _agreement(self, path: str, target: str, root: str) -> int | None:
        """Tell how well two paths without suffix agree; the less the number the better, None where they do not."""
        if self.pool.ignore_case:
            path, target = path.casefold(), target.casefold()
        if path == target:
            return 0
        if path.endswith(f"/{target}"):
            return 1
        if self.pool.partial_paths and "/" in path and target.endswith(f"/{path}"):
            return 2
        if self.pool.youtube_clips:
            agreement = clip_agreement(path, target, root)
            return None if agreement is None else 3 + agreement
        return 3 if self.pool.unique_names and name_of(path) == name_of(target) else None


#: The least agreement with which a clip of a YouTube video is certainly the one wanted.
_SURE = 4


class _Listed:
    """The files of one place, with those of the archives in it."""

    def __init__(self, index: MediaIndex, place: MediaPlace) -> None:
        self.fps = place.fps
        shown = place.root.removeprefix("zip://::").removeprefix("tar://::")
        self.shown = split_parts(shown) or shown
        self.folders = PathTable(index.pool, folders=True)
        self._roots: list[str] = []
        self._videos = PathTable(index.pool)
        self._images: PathTable | None = None
        self._image_names: list[tuple[int, str, str]] = []
        self._pool = index.pool
        archives = self._add(index, place.root)
        for archive in inner_archives(place.root, archives, index.notes):
            try:
                self._add(index, archive)
            except MissingMediaError as error:
                index.notes.broken.append(str(error))

    def location(self, number: int, path: str) -> str:
        """Return the location of a path in one of the roots."""
        return join(self._roots[number], path)

    def files(self, modality: MediaKind) -> PathTable:
        """Return the files of a kind."""
        if modality == "video":
            return self._videos
        if self._images is None:
            self._images = PathTable(self._pool)
            for number, folder, names in self._image_names:
                for name in names.split("\0"):
                    path = f"{folder}/{name}" if folder else name
                    self._images.add(without_suffix(path), number, path)
        return self._images

    def _add(self, index: MediaIndex, root: str) -> list[str]:
        """Note what is under a root; return what may be archives or pieces of them."""
        number, archives = len(self._roots), []
        self._roots.append(root)
        images: dict[str, list[str]] = {}
        frames = self.fps is not None or index.pool.fps is not None
        for path in list_files(root, index.notes, frames=frames):
            index.size += 1
            suffix = suffix_of(path)
            if suffix in _VIDEOS:
                self._videos.add(without_suffix(path), number, path)
            if suffix in _IMAGES:
                folder, _, name = path.rpartition("/")
                if not name.startswith("."):
                    images.setdefault(folder, []).append(name)
            elif suffix not in _VIDEOS and is_archive_part(path):
                archives.append(path)
            if index.example is None:
                index.example = path
        for folder, names in images.items():
            # Kept as one text until images are asked for: frames are many times as many as videos.
            self._image_names.append((number, folder, "\0".join(names)))
            if folder and any(map(is_frame, names)):
                self.folders.add(folder, number, folder)
        return archives


class MediaIndexes(dict[str, MediaIndex]):
    """The files of several pools, by the pools' names."""

    def find(self, video_path: str, modality: MediaKind, part: RowPart = (None, None, None)) -> str | None:
        """Return the location of what a row names, or None; see `MediaIndex.find`."""
        pool, _, inside = video_path.partition("/")
        return self[pool].find(inside, modality, part) if pool in self else None

    def find_cut(self, row_id: str) -> str | None:
        """Return the location of a clip already cut to a row, of merged rows to the first one, or None."""
        key = row_id.partition("/")[2].partition("+")[0]
        places = (index.find_cut(key) for index in self.values() if index.pool.cut_by_row)
        return next((place for place in places if place is not None), None)

    @property
    def by_part(self) -> bool:
        """Whether two rows on one video may have different files, each with the part that the row is about."""
        return any(index.prepared for index in self.values())

    @property
    def cut_by_row(self) -> bool:
        """Whether any of the pools may have clips cut to rows."""
        return any(index.pool.cut_by_row for index in self.values())

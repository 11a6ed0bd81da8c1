"""The files of a source that are there: in the user's folder, given by name, or downloaded from their pinned URLs."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import fsspec
from datasets import DownloadManager

from video_sft._places import exists, fingerprint, is_remote, root_of, sha256_of
from video_sft._source_files.file_tree import FileTree, is_pattern
from video_sft._source_files.given_files import SourcePlace, files_of, given_parts
from video_sft._sources.open_part import has_columns
from video_sft._sources.part import Located, Part, RemoteFile, places_of, splits_of
from video_sft.errors import MissingFileError, one_line

__all__ = ["FoundParts", "download_parts", "find_parts", "fingerprint_parts", "locate_parts"]


@dataclass
class FoundParts:
    """The parts whose files are there, and what is missing for the others.

    Attributes:
        present: parts with the location of each of their files, by role.
        absent: parts that cannot be read, with the required files that are missing.
    """

    present: list[tuple[Part, dict[str, Located]]] = field(default_factory=list)
    absent: list[tuple[Part, list[RemoteFile]]] = field(default_factory=list)

    def splits(self) -> list[str]:
        """The splits that have at least one part present, in the usual order."""
        return list(splits_of(part for part, _ in self.present))


def find_parts(parts: Sequence[Part], place: SourcePlace, known: Sequence[Part] = ()) -> FoundParts:
    """Look for the parts' files in a folder, a zip or an fsspec URL, and among files given by name.

    Each file may lie under its own name or one of the others it is known by, compressed or not; the folder may be one
    of the tree meant, or the one above it. What the user gives by name may be of any of the `known` parts.

    Raises:
        MissingFileError: the local folder or zip itself is not there, or a file given is not.
        ConfigError: what is given may be the files of several parts.
    """
    found = FoundParts()
    for part, locations in locate_parts(parts, place, known):
        if missing := part.missing(locations):
            found.absent.append((part, missing))
        else:
            found.present.append((part, locations))
    return found


def locate_parts(
    parts: Sequence[Part], place: SourcePlace, known: Sequence[Part] = ()
) -> list[tuple[Part, dict[str, Located]]]:
    """Return each part with those of its files that are there, by role; see `find_parts`."""
    data_dir, files = place.data_dir, place.files
    if files is None and (one_file := place.one_file) is not None:
        data_dir, files = None, files_of(parts, one_file)
    named = {part.name: (part, places) for part, places in given_parts(parts, files or {}, known)}
    tree = None if data_dir is None else FileTree(_root(data_dir))
    found = []
    for part in parts:
        renamed, given = named.get(part.name, (part, {}))
        others = {role: file for role, file in part.files.items() if role not in given}
        found.append((renamed, {**given, **(_locate_all(tree, others) if tree else {})}))
    if tree is not None and all(part.missing(locations) for part, locations in found):
        found = _one_folder_below(tree, found)
    return found


def _root(data_dir: str) -> str:
    root = root_of(data_dir)
    if not is_remote(root) and not os.path.isdir(root):
        raise MissingFileError(f"data_dir {data_dir!r} is not a folder, a file, a zip or a URL")
    zipped = root.removeprefix("zip://::")
    if zipped != root:
        if not exists(zipped):
            raise MissingFileError(f"data_dir {zipped!r} is not there")
        with fsspec.open(zipped, "rb") as handle:
            if not zipfile.is_zipfile(handle):
                raise MissingFileError(f"data_dir {zipped!r} is not a zip file, or only the beginning of one")
    return root


def _one_folder_below(
    tree: FileTree, found: list[tuple[Part, dict[str, Located]]]
) -> list[tuple[Part, dict[str, Located]]]:
    """Return the parts with what is in the folders of a tree that itself has none whole, such as the one of a clone.

    Raises:
        MissingFileError: a part is in several of the folders.
    """
    inside = {folder: tree.inside(folder) for folder in tree.folders()}
    below = []
    for part, there in found:
        places = {folder: {**there, **_locate_all(each, part.files)} for folder, each in inside.items()}
        whole = [folder for folder, locations in places.items() if not part.missing(locations)]
        if len(whole) > 1:
            several = f"{part.files['rows'].name} is in several folders of {tree.root!r}: {', '.join(whole[:5])}"
            raise MissingFileError(f"{several}. Give the one meant as data_dir")
        below.append((part, places[whole[0]] if whole else there))
    return below


def _locate_all(tree: FileTree, files: Mapping[str, RemoteFile]) -> dict[str, Located]:
    located = ((role, _locate(tree, file)) for role, file in files.items())
    return {role: place for role, place in located if place is not None}


def _locate(tree: FileTree, file: RemoteFile) -> Located | None:
    for name in (file.name, *file.also):
        found = tree.find(name)
        # A file under its own name is the one meant, whatever its header: the parser says what is wrong with that.
        if found and (name == file.name or has_columns(found[0], file)):
            return found if is_pattern(name) and len(found) > 1 else found[0]
    together = tuple(place for name in file.together for place in tree.find(name))
    return (together if len(together) > 1 else together[0]) if together else None


def download_parts(parts: Sequence[Part], downloads: DownloadManager) -> FoundParts:
    """Fetch the parts' files from their pinned URLs through the `datasets` download cache, and check what came.

    Raises:
        MissingFileError: a file cannot be fetched, or is not the one that was published.
    """
    found = FoundParts()
    for part in parts:
        files = {role: file for role, file in part.files.items() if file.url}
        if missing := part.missing(dict.fromkeys(files, "")):
            found.absent.append((part, missing))
        else:
            found.present.append((part, {role: _download(file, downloads) for role, file in files.items()}))
    return found


def _download(file: RemoteFile, downloads: DownloadManager, *, again: bool = True) -> str:
    started = time.time()
    try:
        location = str(downloads.download(file.url))
    except Exception as error:
        problem = f"{file.name} could not be fetched from {file.url}: {one_line(error)}"
        remedy = file.steps or "Get it by hand and pass its folder as data_dir"
        raise MissingFileError(f"{problem}. {remedy}") from error
    wrong = None if is_remote(location) else _what_is_wrong(file, location)
    if wrong is None:
        return location
    old = os.path.getmtime(location) < started
    os.remove(location)  # so that another try fetches it again
    if old and again:  # kept from another day, and the disk may have lost a part of it
        return _download(file, downloads, again=False)
    remedy = "Try again; if it stays so, get it by hand, look at it, and pass its folder as data_dir"
    raise MissingFileError(f"{file.name} from {file.url} is not the published file: {wrong}. {remedy}")


def _what_is_wrong(file: RemoteFile, location: str) -> str | None:
    """Return in what a download differs from what was published."""
    size = os.path.getsize(location)
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes where {file.size:,} were published"
    if file.sha256 is not None and (found := sha256_of(location)) != file.sha256:
        return f"its sha256 is {found} where {file.sha256} was published"
    return None


def fingerprint_parts(found: FoundParts) -> list[str]:
    """Return strings that change whenever a file that is read does."""
    return sorted(
        f"{part.name} {role} {number} {place} {fingerprint(place)}"
        for part, locations in found.present
        for role, located in locations.items()
        for number, place in enumerate(places_of(located))
    )

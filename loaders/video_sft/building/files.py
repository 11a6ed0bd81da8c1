"""Which of a source's files are there: in the user's folder, or downloaded from their pinned URLs."""

from __future__ import annotations

import logging
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import fsspec
from datasets import DownloadManager

from video_sft.annotations import csv_header
from video_sft.building.source import Part, RemoteFile
from video_sft.errors import MissingFileError, one_line
from video_sft.locations import exists, fingerprint, is_remote, join, root_of, sha256_of

__all__ = ["FoundParts", "download_parts", "find_parts", "fingerprint_parts", "listed", "missing_files_message"]

logger = logging.getLogger("video_sft")
_NAMES_SHOWN = 10


@dataclass
class FoundParts:
    """The parts whose files are there, and what is missing for the others.

    Attributes:
        present: parts with the location of each of their files, by role.
        absent: parts that cannot be read, with the required files that are missing.
    """

    present: list[tuple[Part, dict[str, str]]] = field(default_factory=list)
    absent: list[tuple[Part, list[RemoteFile]]] = field(default_factory=list)

    def splits(self) -> list[str]:
        """The splits that have at least one part present, in the usual order."""
        found = {part.split for part, _ in self.present}
        return [split for split in ("train", "validation", "test") if split in found]


def find_parts(parts: Iterable[Part], data_dir: str | os.PathLike[str]) -> FoundParts:
    """Look for the parts' files in a folder, a zip or an fsspec URL.

    Each file may lie under its own name or where the upstream repository has it.

    Raises:
        MissingFileError: the local folder or zip itself is not there.
    """
    root = root_of(data_dir)
    if not is_remote(root) and not os.path.isdir(root):
        raise MissingFileError(f"data_dir {os.fspath(data_dir)!r} is not a folder, a zip or a URL")
    if root.startswith("zip://::"):
        _check_zip(root.removeprefix("zip://::"))
    found = FoundParts()
    for part in parts:
        locations = {role: _locate(root, file) for role, file in part.files.items()}
        missing = [part.files[role] for role, place in locations.items() if not place and role not in part.optional]
        if missing:
            found.absent.append((part, missing))
        else:
            found.present.append((part, {role: place for role, place in locations.items() if place}))
    return found


def _check_zip(location: str) -> None:
    if not exists(location):
        raise MissingFileError(f"data_dir {location!r} is not there")
    with fsspec.open(location, "rb") as handle:
        if not zipfile.is_zipfile(handle):
            raise MissingFileError(f"data_dir {location!r} is not a zip file, or only the beginning of one")


def _locate(root: str, file: RemoteFile) -> str | None:
    for name in (file.name, *file.also):
        location = join(root, name)
        # A file under its own name is the one meant, whatever its header: the parser says what is wrong with that.
        if exists(location) and (name == file.name or _has_columns(location, file)):
            return location
    return None


def _has_columns(location: str, file: RemoteFile) -> bool:
    """Tell apart files of one name by their header; a header that cannot be read is left for the parser to refuse."""
    header = csv_header(location) if file.columns else []
    if not header:
        return True
    return all((column.lstrip("-") in header) != column.startswith("-") for column in file.columns)


def download_parts(parts: Sequence[Part], downloads: DownloadManager) -> FoundParts:
    """Fetch the parts' files from their pinned URLs through the `datasets` download cache, and check what came.

    Raises:
        MissingFileError: a file cannot be fetched, or is not the one that was published.
    """
    found = FoundParts()
    for part in parts:
        missing = [file for role, file in part.files.items() if not file.url and role not in part.optional]
        if missing:
            found.absent.append((part, missing))
            continue
        files = {role: file for role, file in part.files.items() if file.url}
        found.present.append((part, {role: _download(file, downloads) for role, file in files.items()}))
    return found


def _download(file: RemoteFile, downloads: DownloadManager) -> str:
    try:
        location = str(downloads.download(file.url))
    except Exception as error:
        remedy = file.steps or "Get it by hand and pass its folder as data_dir"
        problem = one_line(error)
        raise MissingFileError(f"{file.name} could not be fetched from {file.url}: {problem}. {remedy}") from error
    if not is_remote(location):
        _verify(file, location)
    return location


def _verify(file: RemoteFile, location: str) -> None:
    size = os.path.getsize(location)
    wrong = None
    if file.size is not None and size != file.size:
        wrong = f"it has {size:,} bytes where {file.size:,} were published"
    elif file.sha256 is not None and (found := sha256_of(location)) != file.sha256:
        wrong = f"its sha256 is {found} where {file.sha256} was published"
    if wrong:
        os.remove(location)  # so that another try fetches it again
        remedy = "Try again; if it stays so, get it by hand, look at it, and pass its folder as data_dir"
        raise MissingFileError(f"{file.name} from {file.url} is not the published file: {wrong}. {remedy}")


def fingerprint_parts(parts: Sequence[Part], data_dir: str | os.PathLike[str] | None) -> list[str]:
    """Return strings that change whenever a file that is read does; by pinned URL and hash where there is no folder."""
    if data_dir is None:
        return sorted(f"{file.name} {file.url} {file.sha256}" for part in parts for file in part.files.values())
    return sorted(
        f"{part.name} {role} {location} {fingerprint(location)}"
        for part, locations in find_parts(parts, data_dir).present
        for role, location in locations.items()
    )


def missing_files_message(config: str, absent: Sequence[tuple[Part, Sequence[RemoteFile]]], where: Any) -> str:
    """Return one message on files that are missing: which, for what, and where to get them."""
    place = f"data_dir {os.fspath(where)!r}" if where is not None else "the downloads"
    lines = [f"{config}: files are missing in {place}:"]
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for part, files in absent:
        for file in files:
            names[part.split, file.where].append(file.name)
    lines += [f"  {listed(each)} (for the {split} split). {how}" for (split, how), each in names.items()]
    return "\n".join(lines)


def listed(names: Sequence[str]) -> str:
    """Return the first names of a list that may be long, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"

"""The check of a source's files: those that are there, compared with the published ones."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from video_sft._datasets import tqdm
from video_sft._places import file_size, is_remote, root_of, sha256_of, uncompressed
from video_sft._source_files.found_parts import locate_parts
from video_sft._source_files.given_files import SourcePlace
from video_sft._source_files.missing_files import annotation_files, listed, missing_files_message
from video_sft._sources.part import Located, Part, RemoteFile, places_of
from video_sft.checking._report import FileFacts, FileStatus, Finding, counted
from video_sft.errors import MissingFileError

__all__ = ["FoundFiles", "file_findings", "find_files", "is_verified", "published_rows"]


@dataclass
class FoundFiles:
    """A source's files as they are at one place.

    Attributes:
        root: the place.
        readable: parts whose required files are there, with the location of each file by role.
        incomplete: the other parts, with the required files that are missing.
        facts: every file once.
        files: the published facts behind each of `facts`, by name.
    """

    root: str
    readable: list[tuple[Part, dict[str, Located]]] = field(default_factory=list)
    incomplete: list[tuple[Part, list[RemoteFile]]] = field(default_factory=list)
    facts: list[FileFacts] = field(default_factory=list)
    files: dict[str, RemoteFile] = field(default_factory=dict)


def find_files(
    parts: Sequence[Part], place: SourcePlace, config: str, *, known: Sequence[Part], published: bool
) -> FoundFiles:
    """Look for the files of parts among all that are known, and compare what is there with what was published.

    The embedded samples are not `published`. Messages call the source `config`.

    Raises:
        MissingFileError: no part can be read; the message says what would be needed, and what is there instead.
    """
    found = FoundFiles(place.data_dir or "")
    located = locate_parts(parts, place, known)
    for part, locations in located:
        if missing := part.missing(locations):
            found.incomplete.append((part, missing))
        else:
            found.readable.append((part, locations))
    if not found.readable:
        raise MissingFileError(missing_files_message(config, found.incomplete, place))
    _add_facts(found, located, published=published)
    return found


def file_findings(found: FoundFiles, known: Sequence[Part], *, published: bool) -> Iterator[Finding]:
    """Yield what is wrong or worth knowing about the files; see `find_files`."""
    by_status: dict[str, list[FileFacts]] = defaultdict(list)
    for facts in found.facts:
        by_status[facts.status].append(facts)
    for facts in by_status["differs"]:
        yield _differs(facts, found.files[facts.name])
    if not published:
        return
    yield from _missing(found)
    if optional := by_status["optional_missing"]:
        names = listed([facts.name for facts in optional])
        what = f"{counted(len(optional), 'optional file')} missing, which rows can do without: {names}"
        remedy = _how_to_get([found.files[facts.name] for facts in optional])
        yield Finding("note", "files", what, remedy, len(optional))
    yield from _unverified([*by_status["unverified"], *by_status["size_as_published"]])
    if unread := _unread_files(found, known):
        what = f"Not read, being none of the source's files: {listed(unread)}"
        yield Finding("note", "files", what, count=len(unread))


def is_verified(found: FoundFiles, part: Part) -> bool:
    """Return whether a part's rows come from the published files for certain, so that their oddities are upstream's."""
    status = {facts.name: facts.status for facts in found.facts}
    required = [file for role, file in part.files.items() if role not in part.optional]
    return all(status.get(file.name) == "as_published" for file in required)


def published_rows(part: Part, locations: dict[str, Located]) -> int | None:
    """Return how many rows the part's file should have; None where not known, or another form of it was found."""
    name = PurePosixPath(part.files["rows"].name).name
    place = places_of(locations["rows"])[0].partition("::")[0].replace("\\", "/")
    return part.rows if uncompressed(place.rpartition("/")[2]) == name else None


def _add_facts(found: FoundFiles, located: Sequence[tuple[Part, dict[str, Located]]], *, published: bool) -> None:
    """Compare each file once, whichever parts read it."""
    readers: dict[str, list[str]] = defaultdict(list)
    places: dict[str, str] = {}
    required: set[str] = set()
    for part, locations in located:
        for role, file in part.files.items():
            found.files.setdefault(file.name, file)
            readers[file.name].append(part.name)
            if role in locations:
                places[file.name] = places_of(locations[role])[0]
            if role not in part.optional:
                required.add(file.name)
    with tqdm(desc="hashing files", total=len(found.files), unit=" files", leave=False, delay=1.0) as progress:
        for name, file in found.files.items():
            facts = FileFacts(
                name=name,
                parts=tuple(readers[name]),
                status="missing" if name in required else "optional_missing",
                published_size=file.size,
                published_sha256=file.sha256,
                why_unverified=file.unverified,
            )
            found.facts.append(_compared(facts, places[name], file, published=published) if name in places else facts)
            progress.update()


def _compared(facts: FileFacts, location: str, file: RemoteFile, *, published: bool) -> FileFacts:
    if another := _another_form(location, file) if published else "an invented sample file":
        facts = dataclasses.replace(facts, published_size=None, published_sha256=None, why_unverified=another)
    size, sha256 = file_size(location), sha256_of(location)
    status: FileStatus = "unverified"
    if facts.published_sha256 is not None:
        status = "as_published" if sha256 == facts.published_sha256 else "differs"
    elif facts.published_size is not None and size is not None:
        status = "size_as_published" if size == facts.published_size else "differs"
    return dataclasses.replace(facts, status=status, location=location, size=size, sha256=sha256)


def _another_form(location: str, file: RemoteFile) -> str | None:
    """Return what a file is instead of the published one, which it then cannot be compared with."""
    place = location.partition("::")[0].replace("\\", "/")
    if place != uncompressed(place):
        return "the file is compressed, which the published one is not"
    return "it is a mirror's Parquet file" if place.endswith(".parquet") and file.sha256 is not None else None


def _differs(facts: FileFacts, file: RemoteFile) -> Finding:
    what = f"{facts.name} is not the published file: "
    if facts.published_size is not None and facts.size != facts.published_size:
        what += f"it has {facts.size or 0:,} bytes, published were {facts.published_size:,}"
    else:
        what += f"its sha256 is {facts.sha256}, published was {facts.published_sha256}"
    remedy = f"{file.where}, unless you changed the file on purpose"
    return Finding("error", "files", what, remedy, examples=(str(facts.location),))


def _missing(found: FoundFiles) -> Iterator[Finding]:
    """Yield one finding for each split that is not there whole."""
    absent: dict[str, list[tuple[Part, list[RemoteFile]]]] = defaultdict(list)
    for part, files in found.incomplete:
        absent[part.split].append((part, files))
    present = {facts.name for facts in found.facts if facts.location is not None}
    for split, parts in absent.items():
        files = [file for _, missing in parts for file in missing]
        names = sorted({file.name for file in files})
        sure = all(part.rows and not part.second_hand for part, _ in parts)
        lost = f", with {counted(sum(part.rows or 0 for part, _ in parts), 'row')}" if sure else ""
        what = f"{counted(len(names), 'file')} of the {split} split missing{lost}: {listed(names)}"
        half = sorted({f.name for part, _ in parts for f in part.files.values() if f.name in present} - _shared(found))
        what += f". Of no use without: {listed(half)}" if half else ""
        remedy = _how_to_get(files)
        if all(part.split != split for part, _ in found.readable):
            remedy += f". If you do not want the {split} split, check the others with --split"
        yield Finding("warning", "files", what, remedy, len(names))


def _shared(found: FoundFiles) -> set[str]:
    """Return the files that parts which can be read use, and those that only add to another file."""
    used = {file.name for part, _ in found.readable for file in part.files.values()}
    optional = {part.files[role].name for part, _ in found.incomplete for role in part.optional}
    return used | optional


def _unverified(files: Sequence[FileFacts]) -> Iterator[Finding]:
    reasons: dict[str, list[str]] = defaultdict(list)
    for facts in files:
        also = "; its size agrees" if facts.status == "size_as_published" else ""
        reasons[f"{facts.why_unverified or 'none is known'}{also}"].append(facts.name)
    for reason, names in reasons.items():
        yield Finding("note", "files", f"No hash is known to compare {listed(names)} with ({reason})", count=len(names))


def _unread_files(found: FoundFiles, known: Sequence[Part]) -> list[str]:
    """Return the annotation files under the root that no file of the source is, nor may be under another name."""
    if not found.root or is_remote(root := root_of(found.root)) or not os.path.isdir(root):
        return []
    names = [name for part in known for file in part.files.values() for name in file.names]
    read = {str(facts.location) for facts in found.facts}
    others = [path for path in annotation_files(root) if os.path.join(root, *path.split("/")) not in read]
    return [path for path in others if not any(fnmatch.fnmatchcase(uncompressed(path), name) for name in names)]


def _how_to_get(files: Sequence[RemoteFile]) -> str:
    """Return where to get several files: those of one folder together, each instruction once."""
    folders: dict[str, list[str]] = {}
    for file in files:
        if file.url and not file.steps:
            folder, _, name = file.url.rpartition("/")
            folders.setdefault(folder, []).append(name if name == file.name else f"{name} (as {file.name})")
    ways = [f"{listed(list(dict.fromkeys(names)))} from {folder}/" for folder, names in folders.items()]
    steps = [file.where for file in files if file.steps or not file.url]
    return ". ".join([*(["Get " + "; ".join(ways)] if ways else []), *dict.fromkeys(steps)])

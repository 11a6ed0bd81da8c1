"""The place of a source's files as a user gives it: a folder, one file, or files by their own names."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from video_sft._places import exists, is_remote, uncompressed
from video_sft._sources.open_part import has_columns
from video_sft._sources.part import Located, Part, places_of
from video_sft.errors import ConfigError, MissingFileError

__all__ = ["ANNOTATION_SUFFIXES", "Files", "GivenParts", "SourcePlace", "files_of", "given_parts"]

FilePath: TypeAlias = "str | os.PathLike[str]"
Files: TypeAlias = "Mapping[str, FilePath | Sequence[FilePath] | Mapping[str, FilePath | Sequence[FilePath]]]"
#: Parts with the files given for them, by role.
GivenParts: TypeAlias = "list[tuple[Part, dict[str, Located]]]"

ANNOTATION_SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
_GIVEN = "the file was given by its own name"


@dataclass(frozen=True)
class SourcePlace:
    """What a user says about where a source's files are; nothing, where they are to be downloaded.

    Attributes:
        data_dir: a folder, a zip, an fsspec URL, or one file.
        files: files by split and role, see `given_parts`; they go before what lies in `data_dir`.
    """

    data_dir: str | None = None
    files: Files | None = None

    @classmethod
    def of(cls, data_dir: FilePath | None, files: Files | None = None) -> SourcePlace:
        """Return the place that two arguments of `video_sft.load` give."""
        return cls(None if data_dir is None else os.fspath(data_dir), files)

    @property
    def is_given(self) -> bool:
        """Whether there is any, so that nothing is downloaded."""
        return self.data_dir is not None or self.files is not None

    @property
    def one_file(self) -> str | None:
        """`data_dir`, where that is an annotation file rather than a folder, a zip or a URL of one."""
        place = self.data_dir
        if place is None:
            return None
        if is_remote(place):
            return place if uncompressed(place.partition("::")[0].lower()).endswith(ANNOTATION_SUFFIXES) else None
        return place if not place.lower().endswith(".zip") and os.path.isfile(os.path.expanduser(place)) else None

    @property
    def expects_all(self) -> bool:
        """Whether all files of the source should be there: not where some are given by name and nothing else."""
        return self.files is None if self.data_dir is None else self.one_file is None


def files_of(parts: Sequence[Part], place: str) -> Files:
    """Return what one file given in place of a folder is, among the parts that are wanted.

    Raises:
        ConfigError: it may be the file of several parts; the message says how to tell which.
    """
    known = _known(parts, place)
    if known and all(part is known[0][0] for part, _ in known):
        return {f"{part.name}/{role}": place for part, role in known}
    parts = [part for part, _ in known] or parts
    splits = {part.split for part in parts}
    if len(splits) != 1:
        raise ConfigError(
            f"data_dir {place!r} is one file, and nothing tells which of the splits {', '.join(sorted(splits))} it is: "
            f"give split=..., or files={{{min(splits)!r}: ...}}"
        )
    return {splits.pop(): place}


def given_parts(parts: Sequence[Part], files: Files, known: Sequence[Part] = ()) -> GivenParts:
    """Return the parts that files are given for.

    A key of `files` is a split, or a part of one (`train/mc`), with a role behind it or without (`validation/answers`;
    without it is the file with the rows); a value is a file, several files that hold the rows one after the other, or
    a mapping of roles to files. What is named of parts that are not wanted, but known, is not looked at.

    Raises:
        ConfigError: a key is none of these, or may be several.
        MissingFileError: a file is not there.
    """
    if not isinstance(files, Mapping) or not all(isinstance(key, str) for key in files):
        raise ConfigError("files is a mapping such as {'train': '/data/rows.json'}")
    given: dict[str, dict[str, Located]] = {}
    unwanted = [part for part in known if part.name not in {each.name for each in parts}]
    for key, value in files.items():
        if not _named(parts, key):
            if not _named(unwanted, key):
                raise _unknown(key, parts)
            continue
        for role, place in (value if isinstance(value, Mapping) else {"": value}).items():
            located = _located(place, f"files[{key!r}]")
            part, role = _part(parts, key, role, located)
            if role in given.setdefault(part.name, {}):
                raise ConfigError(f"files names the {role} of {part.name} twice")
            given[part.name][role] = located
    return [(_renamed(part, given[part.name]), given[part.name]) for part in parts if part.name in given]


def _named(parts: Sequence[Part], key: str) -> list[Part]:
    """Return the parts that a key means, with a role behind it or without."""
    head, _, last = key.rpartition("/")
    named = [part for part in parts if key in (part.split, part.name)]
    return named or [part for part in parts if head in (part.split, part.name) and last in part.files]


def _located(value: Any, what: str) -> Located:
    places = [value] if isinstance(value, (str, os.PathLike)) else value
    if not isinstance(places, Sequence) or not places or not all(isinstance(one, (str, os.PathLike)) for one in places):
        raise ConfigError(f"{what} is {value!r}; it is a file, a list of files, or a mapping of roles to files")
    found: list[str] = []
    for place in map(os.fspath, places):
        if not is_remote(place):
            place = os.path.abspath(os.path.expanduser(place))
        matching = sorted(glob.glob(place)) if "*" in place and not is_remote(place) and not exists(place) else []
        if not matching and not exists(place):
            raise MissingFileError(f"{what}: there is no file {place!r}")
        found += matching or [place]
    if twice := next((place for place in found if found.count(place) > 1), None):
        raise ConfigError(f"{what} has {twice!r} twice")
    return found[0] if len(found) == 1 else tuple(found)


def _part(parts: Sequence[Part], key: str, role: str, located: Located) -> tuple[Part, str]:
    """Return the part and role that a key means."""
    named = _named(parts, key)
    if not role and not any(key in (part.split, part.name) for part in named):
        role = key.rpartition("/")[2]
    role = role or "rows"
    able = [part for part in named if role in part.files]
    if not able:
        roles = ", ".join(named[0].files)
        raise ConfigError(f"files[{key!r}]: {named[0].name} has no file with the role {role!r}; it has {roles}")
    if len(able) > 1:
        able = _told_apart(able, role, located)
    if len(able) > 1:
        names = ", ".join(part.name for part in able[:6]) + (", ..." if len(able) > 6 else "")
        raise ConfigError(
            f"files[{key!r}] may be the file of several parts: {names}. Name one: files={{{able[0].name!r}: ...}}"
        )
    return able[0], role


def _unknown(key: str, parts: Sequence[Part]) -> ConfigError:
    keys = sorted({name for part in parts for name in (part.split, part.name)})
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f". Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(keys[:12]) + (", ..." if len(keys) > 12 else "")
    return ConfigError(f"files has the key {key!r}; keys are {shown}, each also with /ROLE behind it{hint}")


def _told_apart(parts: list[Part], role: str, located: Located) -> list[Part]:
    """Return the parts whose file a file may be, by its name or by its columns."""
    place = places_of(located)[0]
    known = [part for part, its_role in _known(parts, place) if its_role == role] or parts
    return [part for part in known if has_columns(place, part.files[role])] or known


def _known(parts: Sequence[Part], place: str) -> list[tuple[Part, str]]:
    """Return what a file may be by its name: by all of a name with folders in it, or else by the last part of one."""
    folders = uncompressed(place.partition("::")[0].replace(os.sep, "/")).split("/")
    files = [(part, role, name) for part in parts for role, file in part.files.items() for name in file.names]

    def fits(name: str, length: int) -> bool:
        pattern = "/".join(name.split("/")[-length:])
        return fnmatch.fnmatchcase("/".join(folders[-length:]), pattern)

    whole = [(part, role) for part, role, name in files if fits(name, name.count("/") + 1)]
    found = whole or [(part, role) for part, role, name in files if fits(name, 1)]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def _renamed(part: Part, given: Mapping[str, Located]) -> Part:
    """Return the part with the names of the files given, of which no published hash is known."""
    files = dict(part.files)
    for role, located in given.items():
        shown = _short_names(places_of(located))
        files[role] = dataclasses.replace(
            files[role], name=shown[0], also=tuple(shown[1:]), together=(), sha256=None, size=None, unverified=_GIVEN
        )
    return dataclasses.replace(part, files=files)


def _short_names(places: Iterable[str]) -> list[str]:
    """Return the names of files, with as many of the folders they are in as tell them apart."""
    split = [place.partition("::")[0].replace(os.sep, "/").split("/") for place in places]
    length = 1
    while len({tuple(one[-length:]) for one in split}) < len({tuple(one) for one in split}):
        length += 1
    return ["/".join(one[-length:]) for one in split]

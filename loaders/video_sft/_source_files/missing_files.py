"""The message on missing files: which, under which names they are looked for, and what is there instead."""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

from video_sft._places import COMPRESSIONS, files_under, is_remote, root_of, uncompressed
from video_sft._source_files.given_files import ANNOTATION_SUFFIXES, SourcePlace
from video_sft._sources.part import Part, RemoteFile

__all__ = ["annotation_files", "listed", "missing_files_message"]

_NAMES_SHOWN = 10
_MOST_LOOKED_AT = 20_000
_DEEPEST = 4


def missing_files_message(config: str, absent: Sequence[tuple[Part, Sequence[RemoteFile]]], where: SourcePlace) -> str:
    """Return one message on files that are missing: which, for what, where to get them, and what is there instead."""
    data_dir, files, one_file = where.data_dir, where.files, where.one_file
    place = f"data_dir {data_dir!r}" if data_dir is not None else "files" if files else "the downloads"
    lines = [f"{config}: files are missing in {place}:"]
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for part, missing in absent:
        for file in missing:
            names[part.split, file.where].append(file.name)
    lines += [f"  {listed(each)} (for the {split} split). {how}" for (split, how), each in names.items()]
    if data_dir is not None and not one_file:
        lines += [f"  {_accepted(absent)}", f"  {_there(absent, data_dir)}"]
    several = [part for part, _ in absent if len(part.files) - len(part.optional) > 1]
    if several and (files or one_file):
        roles = {role: file.name for role, file in several[0].files.items() if role not in several[0].optional}
        told = ", ".join(f"{role!r}: ..." for role in roles)
        needed = f"{several[0].name} needs {len(roles)} files ({', '.join(roles.values())})"
        lines.append(f"  {needed}: give their folder as data_dir, or files={{{several[0].name!r}: {{{told}}}}}")
    return "\n".join(lines)


def _accepted(absent: Sequence[tuple[Part, Sequence[RemoteFile]]]) -> str:
    others = [name for _, missing in absent for file in missing for name in file.names if name != file.name]
    also = f"Accepted as well: {listed(list(dict.fromkeys(others)), 24)}. " if others else ""
    return f"{also}Each may be compressed ({', '.join(COMPRESSIONS)}), or have any name and be given by files={{...}}"


def _there(absent: Sequence[tuple[Part, Sequence[RemoteFile]]], data_dir: str) -> str:
    """Return a sentence on what a place without the wanted files holds instead."""
    there = annotation_files(root_of(data_dir))
    if not there:
        return "There are no annotation files in it at all"
    missing = [file for _, files in absent for file in files]
    right = {path[: -len(file.name) - 1] for path in there for file in missing if path.endswith(f"/{file.name}")}
    if right:
        places = " or ".join(os.path.join(data_dir, *folder.split("/")) for folder in sorted(right)[:3])
        return f"Files of these names are in a folder inside: perhaps you meant --data-dir {places}"
    wanted = {PurePosixPath(name).name: file.name for file in missing for name in file.names}
    for path in there:
        if near := difflib.get_close_matches(uncompressed(path.rpartition("/")[2]), wanted, 1):
            hint = f"If {path} is {wanted[near[0]]}, give it that name, or name it in files"
            return f"There instead: {listed(there)}. {hint}"
    return f"There instead: {listed(there)}"


def annotation_files(root: str) -> list[str]:
    """Return the annotation files under a root, a few levels deep, by their relative paths."""
    if is_remote(root):
        names = files_under(root, _DEEPEST) if root.startswith(("zip://", "hf://")) else []
        return sorted(name for name in names if uncompressed(name.lower()).endswith(ANNOTATION_SUFFIXES))
    found: list[str] = []
    looked_at = 0
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if inside == "." else f"{inside}/"
        if prefix.count("/") >= _DEEPEST:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [prefix + name for name in sorted(names) if uncompressed(name.lower()).endswith(ANNOTATION_SUFFIXES)]
        looked_at += len(names)
        if looked_at > _MOST_LOOKED_AT:
            break
    return found


def listed(names: Sequence[str], shown: int = _NAMES_SHOWN) -> str:
    """Return the first names of a list that may be long, and how many more there are."""
    first = ", ".join(names[:shown])
    return first if len(names) <= shown else f"{first} and {len(names) - shown} more"

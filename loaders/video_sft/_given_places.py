"""Places as users give them, in Python and on the command line: one place, or one for each source or pool.

`load`, `mix`, `check_source`, `publish` and the evaluation lists read `data_dir` here; all commands read the words of
`--data-dir [SOURCE=]PLACE` and `--media [POOL=]PLACE` here. Media are sorted by pool in `video_sft._media`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from video_sft._places import exists, is_remote, join
from video_sft.builders import find_source, sources
from video_sft.errors import ConfigError

__all__ = ["DataDir", "data_dir_of_words", "media_of_words", "place_of_source", "places_of_sources"]

#: The place with a source's annotation files; or one for each source; or a folder with a folder for each source.
DataDir: TypeAlias = "str | os.PathLike[str] | Mapping[str, str | os.PathLike[str] | None]"
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)=(.+)", re.DOTALL)


def place_of_source(
    source: str, data_dir: DataDir | None, among: Collection[str] = ()
) -> str | os.PathLike[str] | None:
    """Return the place with one source's files; None where they are to be downloaded.

    Args:
        source: its name.
        data_dir: what the user gave. A place is that of the source, unless its files are in a folder there that bears
            its name.
        among: all sources the place was given for; for several it has to have a folder for each, or their files.

    Raises:
        ConfigError: a place was given for a source there is none of; or one for several sources, that has nothing of
            this one.
    """
    if data_dir is None or isinstance(data_dir, Mapping):
        return None if data_dir is None else _checked(data_dir).get(source)
    place, several = os.fspath(data_dir), len(set(among)) > 1
    inside = join(place, source)
    if is_remote(place):
        return inside if several and exists(inside) else place
    names = {file.name for part in find_source(source).parts for file in part.files.values()}
    beside, below = (any(os.path.exists(os.path.join(folder, name)) for name in names) for folder in (place, inside))
    if not beside and (below or (several and os.path.isdir(inside))):
        return inside
    if several and not beside:
        raise ConfigError(
            f"data_dir is {place!r}, which has no folder {source!r}. For several sources give a folder with one folder "
            f"for each, or a place for each: {_spelled('--data-dir', 'data_dir', sorted(set(among)))}"
        )
    return place


def places_of_sources(data_dir: DataDir | None, names: Collection[str]) -> dict[str, str]:
    """Return the places of those of some sources that have one: by name, or as folders that bear the sources' names.

    Raises:
        ConfigError: a place was given for a source there is none of.
    """
    if data_dir is None or isinstance(data_dir, Mapping):
        return {name: os.fspath(place) for name, place in _checked(data_dir or {}).items() if place and name in names}
    folders = {name: os.path.join(os.fspath(data_dir), name) for name in names}
    return {name: folder for name, folder in folders.items() if os.path.isdir(folder)}


def data_dir_of_words(words: Sequence[str] | None, option: str = "--data-dir") -> str | dict[str, str] | None:
    """Return `--data-dir` words as Python has them: a place, or a place by source, of each no more than one."""
    named, bare = _apart(words, option, sources())
    if len(bare) > 1 or any(len(places) > 1 for places in named.values()):
        example = _spelled(option, "data_dir", sources())
        raise ConfigError(f"{option} takes one place, or one for each source: {example}")
    return bare[0] if bare else {name: place for name, (place,) in named.items()} or None


def media_of_words(words: Sequence[str] | None) -> list[str] | dict[str, list[str]] | None:
    """Return `--media` words as Python has them: places, or places by pool, not some of both."""
    named, bare = _apart(words, "--media", {pool for name in sources() for pool in find_source(name).pools})
    return bare or named or None


def _apart(words: Sequence[str] | None, option: str, known: Collection[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return words `NAME=PLACE` by name, and bare places; a path that is there is a place, whatever its name has."""
    named: dict[str, list[str]] = {}
    bare = []
    for word in words or ():
        match = _NAMED.fullmatch(word)
        if match and (match[1] in known or not os.path.exists(word)):
            named.setdefault(match[1], []).append(os.path.expanduser(match[2]))  # which a shell does not do there
        elif word.partition("=")[0] and not word.endswith("="):
            bare.append(word)
        else:
            raise ConfigError(f"{option} {word!r} is neither a place nor NAME=PLACE")
    if named and bare:
        raise ConfigError(f"{option} {bare[0]!r} has no name, and others have: give each as {next(iter(named))}=PLACE")
    return named, bare


def _checked(data_dir: Mapping[str, str | os.PathLike[str] | None]) -> dict[str, str | os.PathLike[str] | None]:
    """Return places by source, a source named by one of its configs too."""
    return {find_source(name).name: place for name, place in data_dir.items()}


def _spelled(option: str, keyword: str, names: Sequence[str]) -> str:
    words = " ".join(f"{option} {name}=PLACE" for name in names[:3])
    return f"{words}{' ...' if len(names) > 3 else ''}; in Python {keyword}={{{names[0]!r}: PLACE, ...}}"

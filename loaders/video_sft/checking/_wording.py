"""Numbers and ways to get files, as the sentences of a report have them."""

from __future__ import annotations

from collections.abc import Sequence

from video_sft._source_files.missing_files import listed
from video_sft._sources.part import RemoteFile

__all__ = ["counted", "how_to_get"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def how_to_get(files: Sequence[RemoteFile]) -> str:
    """Return where to get several files: those of one folder together, each instruction once."""
    folders: dict[str, list[str]] = {}
    for file in files:
        if file.url and not file.steps:
            folder, _, name = file.url.rpartition("/")
            folders.setdefault(folder, []).append(name if name == file.name else f"{name} (as {file.name})")
    ways = [f"{listed(list(dict.fromkeys(names)))} from {folder}/" for folder, names in folders.items()]
    steps = [file.where for file in files if file.steps or not file.url]
    return ". ".join([*(["Get " + "; ".join(ways)] if ways else []), *dict.fromkeys(steps)])

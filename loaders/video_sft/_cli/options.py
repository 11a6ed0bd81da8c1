"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft.errors import ConfigError

__all__ = [
    "Config",
    "DataDir",
    "File",
    "Media",
    "PromptStyle",
    "Sample",
    "files_by_part",
    "files_by_source",
    "media_by_pool",
    "wording",
]

Config = Annotated[str, typer.Argument(help="A config's name; `video-sft list` shows them.", show_default=False)]
DataDir = Annotated[
    str | None, typer.Option(help="Folder, zip or URL with upstream's files; downloaded when left out.")
]
File = Annotated[
    list[str] | None,
    typer.Option(
        help="A file of any name: SPLIT=PATH, SPLIT/PART=PATH or, with its role, SPLIT/ROLE=PATH; several times. "
        "The same place twice is two files that are read in order."
    ),
]
Media = Annotated[
    list[str] | None,
    typer.Option(help="Where a pool's videos are: POOL=FOLDER, a zip, a tar or a URL; may be given several times."),
]
PromptStyle = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(PROMPT_STYLES), help="Whose wording questions and answers have; this package's if left out."
    ),
]
Sample = Annotated[bool, typer.Option("--sample", help="Use the few invented rows that come with the package.")]


def wording(prompt_style: str | None) -> dict[str, Any]:
    """Return `--prompt-style` as keywords of `video_sft.load`; none where it was not given."""
    return {} if prompt_style is None else {"prompt_style": prompt_style}


def files_by_part(words: list[str] | None) -> dict[str, list[str]] | None:
    """Return `--file` words as the mapping `video_sft.load` takes.

    Raises:
        ConfigError: a word is not PLACE=PATH.
    """
    if not words:
        return None
    files: dict[str, list[str]] = {}
    for word in words:
        key, equals, place = word.partition("=")
        if not (key and equals and place):
            raise ConfigError(f"--file {word!r} is not of the form SPLIT=PATH, e.g. --file train=/data/rows.json")
        files.setdefault(key, []).append(place)
    return files


def files_by_source(words: list[str] | None) -> dict[str, dict[str, list[str]]] | None:
    """Return `--file` words with a source in front, `SOURCE/SPLIT=PATH`, as `mix` and `publish` take them.

    Raises:
        ConfigError: a word is not SOURCE/PLACE=PATH.
    """
    sources: dict[str, dict[str, list[str]]] = {}
    for key, places in (files_by_part(words) or {}).items():
        source, slash, part = key.partition("/")
        if not (source and slash and part):
            raise ConfigError(f"--file {key}=... names no source; e.g. --file star/train=/data/rows.json")
        sources.setdefault(source, {})[part] = places
    return sources or None


def media_by_pool(media: list[str] | None) -> dict[str, list[str]] | None:
    """Return `--media` words as the mapping `video_sft.load` takes.

    Raises:
        ConfigError: a word is not POOL=PLACE.
    """
    if not media:
        return None
    pools: dict[str, list[str]] = {}
    for word in media:
        pool, equals, place = word.partition("=")
        if not (pool and equals and place):
            raise ConfigError(f"--media {word!r} is not of the form POOL=FOLDER, e.g. --media vidor=/data/NExTVideo")
        pools.setdefault(pool, []).append(place)
    return pools

"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from video_sft.errors import ConfigError

__all__ = ["Config", "DataDir", "Media", "Sample", "media_by_pool"]

Config = Annotated[str, typer.Argument(help="A config's name; `video-sft list` shows them.", show_default=False)]
DataDir = Annotated[
    str | None, typer.Option(help="Folder, zip or URL with upstream's files; downloaded when left out.")
]
Media = Annotated[
    list[str] | None,
    typer.Option(help="Where a pool's videos are: POOL=FOLDER, a zip, a tar or a URL; may be given several times."),
]
Sample = Annotated[bool, typer.Option("--sample", help="Use the few invented rows that come with the package.")]


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

"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from video_sft.errors import ConfigError
from video_sft.prompt_styles import PROMPT_STYLES

__all__ = ["Config", "DataDir", "Media", "PromptStyle", "Sample", "media_by_pool", "wording"]

Config = Annotated[str, typer.Argument(help="A config's name; `video-sft list` shows them.", show_default=False)]
DataDir = Annotated[
    str | None, typer.Option(help="Folder, zip or URL with upstream's files; downloaded when left out.")
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

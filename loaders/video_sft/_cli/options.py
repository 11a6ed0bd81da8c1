"""The options that several commands take, and the keywords of `load`, `mix` and `publish` they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from video_sft._cli.completion import config_names, prompt_styles, values
from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft.errors import ConfigError

__all__ = [
    "BadRowOption",
    "ConfigArgument",
    "DataDirOption",
    "FileOption",
    "MediaOption",
    "MissingOption",
    "PromptStyleOption",
    "RepoOption",
    "SampleOption",
    "SourceFileOption",
    "loading",
]

ConfigArgument = Annotated[
    str,
    typer.Argument(
        help="A config's name; `video-sft list` shows them.", show_default=False, autocompletion=config_names
    ),
]
DataDirOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[SOURCE=]PLACE",
        help="Upstream's files: a folder, zip or URL; for several sources SOURCE=PLACE for each, or one folder with a "
        "folder for each. Downloaded when left out.",
    ),
]
FileOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A file of any name: SPLIT=PATH, SPLIT/PART=PATH or, with its role, SPLIT/ROLE=PATH; several times. "
        "The same place twice is two files that are read in order."
    ),
]
SourceFileOption = Annotated[
    list[str] | None,
    typer.Option(help="A file of any name: SOURCE/SPLIT=PATH, SOURCE/SPLIT/PART=PATH, or with its role behind."),
]
MediaOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[POOL=]PLACE",
        help="Where a pool's videos are: a folder, zip, tar or URL; several times. PLACE alone is for a single pool, "
        "or is what `video-sft prepare` has made.",
    ),
]
MissingOption = Annotated[
    str,
    typer.Option(
        help="Videos that are not there: null, skip or error.", autocompletion=values("null", "skip", "error")
    ),
]
BadRowOption = Annotated[
    str, typer.Option(help="Rows that cannot be read: error or skip.", autocompletion=values("error", "skip"))
]
PromptStyleOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(PROMPT_STYLES),
        help="Whose wording questions and answers have; this package's if left out.",
        autocompletion=prompt_styles,
    ),
]
RepoOption = Annotated[str | None, typer.Option(help="Load the configs from this Hub repo, org/name.")]
SampleOption = Annotated[bool, typer.Option("--sample", help="Use the few invented rows that come with the package.")]


def loading(
    *,
    data_dir: Sequence[str] | None = None,
    file: Sequence[str] | None = None,
    media: Sequence[str] | None = None,
    sample: bool = False,
    prompt_style: str | None = None,
    by_source: bool = False,
) -> dict[str, Any]:
    """Return what the common options say as keywords of `load`, `mix` and `publish`; none for what was not given.

    With `by_source`, files have their source in front.

    Raises:
        ConfigError: a word has not the form it should have.
    """
    from video_sft._given_places import data_dir_of_words, media_of_words

    options = {
        "data_dir": data_dir_of_words(data_dir),
        "files": (_files_by_source if by_source else _files)(file),
        "media": media_of_words(media),
        "sample": sample or None,
        "prompt_style": prompt_style,
    }
    return {name: value for name, value in options.items() if value is not None}


def _files(words: Sequence[str] | None) -> dict[str, list[str]] | None:
    """Return `--file` words as the mapping `video_sft.load` takes."""
    files: dict[str, list[str]] = {}
    for word in words or ():
        key, equals, place = word.partition("=")
        if not (key and equals and place):
            raise ConfigError(f"--file {word!r} is not of the form SPLIT=PATH, e.g. --file train=/data/rows.json")
        files.setdefault(key, []).append(place)
    return files or None


def _files_by_source(words: Sequence[str] | None) -> dict[str, dict[str, list[str]]] | None:
    """Return `--file` words with a source in front, `SOURCE/SPLIT=PATH`, as `mix` and `publish` take them."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, places in (_files(words) or {}).items():
        source, slash, part = key.partition("/")
        if not (source and slash and part):
            raise ConfigError(f"--file {key}=... names no source; e.g. --file star/train=/data/rows.json")
        found.setdefault(source, {})[part] = places
    return found or None

"""`video-sft check`: one source's files, rows and media, looked over; or the health of a folder of videos."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from video_sft.builders import sources
from video_sft.checking import check_source
from video_sft.checking.clip_limits import TOLERANCE_SECONDS
from video_sft.cli.check_report import print_report
from video_sft.cli.options import Sample, media_by_pool
from video_sft.errors import ConfigError

__all__ = ["check"]


def check(
    source: Annotated[
        str | None, typer.Argument(help="A source's name, or one of its views.", show_default=False)
    ] = None,
    data_dir: Annotated[str | None, typer.Option(help="Folder, zip or URL with upstream's files.")] = None,
    media: Annotated[
        list[str] | None, typer.Option(help="Where videos are: POOL=PLACE, several times; PLACE alone for one pool.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            help="Another source to compare with: SOURCE=DATA_DIR, or a folder whose subfolders bear sources' names. "
            "Left out: the folders beside DATA_DIR that do.",
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Compare with no other source.")] = False,
    split: Annotated[list[str] | None, typer.Option(help="Check this split only; may be given several times.")] = None,
    sample: Sample = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    lists: Annotated[
        str | None,
        typer.Option(
            "--list",
            help="A folder for lists of missing media, bad rows, repeats and rows on evaluation videos; "
            "or a file such as missing.txt, for the missing media alone.",
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="Seconds a clip may end after its video.", min=0.0)
    ] = TOLERANCE_SECONDS,
    num_threads: Annotated[int, typer.Option(help="How many videos are opened at a time.", min=1, max=64)] = 4,
) -> None:
    """Report on a source's files: hashes, rows, ids, answers, options, media, clips, repeats, overlaps.

    The exit code is 0 when nothing was found but notes, 1 when there is an error or a warning, 2 when the check could
    not be made.
    """
    if source is None:
        raise ConfigError(f"name the source to check: {', '.join(sources())}")
    report = check_source(
        source,
        data_dir=data_dir,
        media=_media(media),
        others={} if alone else _others(compare),
        splits=split,
        sample=sample,
        lists=lists,
        tolerance_seconds=tolerance,
        num_threads=num_threads,
    )
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, Console())
    if not report.clean:
        raise typer.Exit(1)


def _media(words: list[str] | None) -> dict[str, list[str]] | str | None:
    """Return `--media` by pool; a single place without a pool as it is."""
    if words is not None and len(words) == 1 and "=" not in words[0]:
        return words[0]
    return media_by_pool(words)


def _others(words: list[str] | None) -> dict[str, str] | None:
    """Return `--with` by source; None where it was not given.

    Raises:
        ConfigError: a word is neither SOURCE=DATA_DIR nor a folder with folders of sources in it.
    """
    if not words:
        return None
    found: dict[str, str] = {}
    for word in words:
        name, equals, place = word.partition("=")
        if equals and name in sources():
            found[name] = place
            continue
        inside = {name: str(Path(word) / name) for name in sources() if os.path.isdir(Path(word) / name)}
        if not inside:
            raise ConfigError(
                f"--with {word!r} is neither SOURCE=DATA_DIR nor a folder with folders named after sources "
                f"({', '.join(sources())}) in it"
            )
        found |= inside
    return found

"""`video-sft check`: one source's files, rows and media, looked over; or the health of folders of videos."""

from __future__ import annotations

import functools
import json
import os
from typing import Annotated, Any

import typer

from video_sft._cli.check_report import print_problem, print_report
from video_sft._cli.console import Console
from video_sft._cli.deep_report import scan
from video_sft._cli.options import File, Sample, files_by_part, media_by_pool
from video_sft.builders import sources
from video_sft.checking import check_source
from video_sft.checking._clip_limits import TOLERANCE_SECONDS
from video_sft.errors import ConfigError, VideoSftError

__all__ = ["check"]


def check(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A source's name, or one of its views; left out, every source with a folder in DATA_DIR.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[str | None, typer.Option(help="Folder, zip or URL with upstream's files, or one file.")] = None,
    file: File = None,
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
    deep: Annotated[
        bool, typer.Option("--deep", help="Without a source: decode every video of the --media folders instead.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(help="Seconds a clip may end after its video.", min=0.0)
    ] = TOLERANCE_SECONDS,
    num_threads: Annotated[int, typer.Option(help="How many videos are opened at a time.", min=1, max=64)] = 4,
) -> None:
    """Report on a source's files: hashes, rows, ids, answers, options, media, clips, repeats, overlaps.

    Without a source there is a report for each folder in DATA_DIR that bears a source's name.

    The exit code is 0 when nothing was found but notes, 1 when there is an error or a warning, 2 when the check could
    not be made.
    """
    if deep:
        if source is not None:
            raise ConfigError("--deep looks at folders of videos alone; leave the source out")
        if not scan(media or [], lists, None, as_json=as_json):
            raise typer.Exit(1)
        return
    if file and source is None:
        raise ConfigError("--file is a file of one source: name it")
    checked = functools.partial(
        check_source,
        files=files_by_part(file),
        media=_media(media),
        others={} if alone else _others(compare),
        splits=split,
        sample=sample,
        lists=lists,
        tolerance_seconds=tolerance,
        num_threads=num_threads,
    )
    console = Console()
    told: list[dict[str, Any]] = []
    for name, folder in ({source: data_dir} if source is not None else _folders(data_dir)).items():
        try:
            report = checked(name, data_dir=folder)
        except VideoSftError as error:
            if source is not None:
                raise
            told.append({"source": name, "clean": False, "data_dir": folder, "not_checked": str(error)})
            if not as_json:
                print_problem(f"{name} in {folder}", error, console)
        else:
            told.append(report.to_dict())
            if not as_json:
                print_report(report, console)
    if as_json:
        typer.echo(json.dumps(told if source is None else told[0], indent=2))
    if not all(each["clean"] for each in told):
        raise typer.Exit(1)


def _folders(data_dir: str | None) -> dict[str, str]:
    """Return the folders in a folder that bear a source's name.

    Raises:
        ConfigError: there is none.
    """
    inside = {name: os.path.join(data_dir or "", name) for name in sources()}
    found = {name: folder for name, folder in inside.items() if data_dir and os.path.isdir(folder)}
    if not found:
        raise ConfigError(
            f"name the source to check ({', '.join(sources())}), or give a --data-dir with folders of these names in it"
        )
    return found


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
        try:
            found |= _folders(word)
        except ConfigError:
            names = ", ".join(sources())
            told = f"--with {word!r} is neither SOURCE=DATA_DIR nor a folder with folders named after sources ({names})"
            raise ConfigError(told) from None
    return found

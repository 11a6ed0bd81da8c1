"""`video-sft check`: the report on one source's files, rows and media, or on the health of folders of videos."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from video_sft._cli.check_report import print_problem, print_report
from video_sft._cli.console import Console
from video_sft._cli.options import DataDirOption, FileOption, MediaOption, SampleOption, loading
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
    data_dir: DataDirOption = None,
    file: FileOption = None,
    media: MediaOption = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="[SOURCE=]PLACE",
            help="Other sources to compare with: SOURCE=PLACE, or a folder whose subfolders bear sources' names. "
            "Left out: the folders beside DATA_DIR that do.",
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Compare with no other source.")] = False,
    split: Annotated[list[str] | None, typer.Option(help="Check this split only; may be given several times.")] = None,
    sample: SampleOption = False,
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
        float | None, typer.Option(help="Seconds a clip may end after its video; 1 when left out.", min=0.0)
    ] = None,
    num_threads: Annotated[int, typer.Option(help="How many videos are opened at a time.", min=1, max=64)] = 4,
) -> None:
    """Report on a source's files: hashes, rows, ids, answers, options, media, clips, repeats, overlaps.

    Without a source there is a report for each folder in DATA_DIR that bears a source's name.

    The exit code is 0 when nothing was found but notes, 1 when there is an error or a warning, 2 when the check could
    not be made.
    """
    if deep:
        from video_sft._cli.deep_report import scan

        if source is not None:
            raise ConfigError("--deep looks at folders of videos alone; leave the source out")
        if not scan(media or [], lists, as_json=as_json):
            raise typer.Exit(1)
        return
    if file and source is None:
        raise ConfigError("--file is a file of one source: name it")
    from video_sft.checking import check_source

    options = loading(data_dir=data_dir, file=file, media=media, sample=sample)
    places = options.pop("data_dir", None)
    if tolerance is not None:
        options["tolerance_seconds"] = tolerance
    checked: Any = functools.partial(
        check_source,
        **options,
        others={} if alone else _others(compare),
        splits=split,
        lists=lists,
        num_threads=num_threads,
    )
    console = Console()
    told: list[dict[str, Any]] = []
    for name, place in ({source: places} if source is not None else _places(places)).items():
        try:
            report = checked(name, data_dir=place)
        except VideoSftError as error:
            if source is not None:
                raise
            told.append({"source": name, "clean": False, "data_dir": place, "not_checked": str(error)})
            if not as_json:
                print_problem(f"{name} in {place}", error, console)
        else:
            told.append(report.to_dict())
            if not as_json:
                print_report(report, console)
    if as_json:
        typer.echo(json.dumps(told if source is None else told[0], indent=2))
    if not all(each["clean"] for each in told):
        raise typer.Exit(1)


def _places(given: Any) -> dict[str, str]:
    """Return the place of each source that has one.

    Raises:
        ConfigError: there is none.
    """
    from video_sft._given_places import places_of_sources
    from video_sft.builders import sources

    found = places_of_sources(given, sources())
    if not found:
        raise ConfigError(
            f"name the source to check ({', '.join(sources())}), or give a --data-dir with folders of these names in it"
        )
    return found


def _others(words: Sequence[str] | None) -> dict[str, str] | None:
    """Return `--with` by source; None where it was not given.

    Raises:
        ConfigError: a word is neither SOURCE=PLACE nor a folder with folders of sources in it.
    """
    from video_sft._given_places import data_dir_of_words, places_of_sources
    from video_sft.builders import sources

    found: dict[str, str] = {}
    for word in words or ():
        places = places_of_sources(data_dir_of_words([word], "--with"), sources())
        if not places:
            names = ", ".join(sources())
            told = f"--with {word!r} is neither SOURCE=PLACE nor a folder with folders named after sources ({names})"
            raise ConfigError(told)
        found |= places
    return found or None

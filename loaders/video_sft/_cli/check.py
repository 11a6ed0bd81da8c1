"""`video-sft check`: the report on one source's files, rows and media, or on the health of folders of videos."""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from video_sft._cli.check_report import print_problem, print_report
from video_sft._cli.completion import config_names, split_names
from video_sft._cli.console import Console
from video_sft._cli.options import DataDirOption, FileOption, MediaOption, SampleOption, loading
from video_sft.errors import ConfigError, VideoSftError

__all__ = ["check"]

#: Bad videos of a folder that are named on the terminal.
_SHOWN = 20


def check(
    source: Annotated[
        str | None,
        typer.Argument(
            help="A source's name, or one of its views; left out, every source with a folder in DATA_DIR.",
            autocompletion=config_names,
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
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="Check this split only; may be given several times.",
            autocompletion=split_names,
        ),
    ] = None,
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
        bool, typer.Option("--deep", help="Without a source: decode every video of the --media places instead.")
    ] = False,
    tolerance: Annotated[
        float | None, typer.Option(help="Seconds a clip may end after its video; 1 when left out.", min=0.0)
    ] = None,
    num_threads: Annotated[int, typer.Option(help="How many videos are opened at a time.", min=1, max=64)] = 4,
    content: Annotated[
        bool,
        typer.Option("--content", help="Look for training videos that show an evaluation video under another id."),
    ] = False,
) -> None:
    """Report on a source's files: hashes, rows, ids, answers, options, media, clips, repeats, overlaps.

    Without a source there is a report for each folder in DATA_DIR that bears a source's name.

    The exit code is 0 when nothing was found but notes, 1 when there is an error or a warning, 2 when the check could
    not be made.
    """
    if deep:
        if source is not None:
            raise ConfigError("--deep looks at places of videos alone; leave the source out")
        if not _scan(media, lists, as_json=as_json):
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
        content=content,
    )
    console = Console(quiet=as_json)
    told: list[dict[str, Any]] = []
    for name, place in ({source: places} if source is not None else _places(places)).items():
        try:
            report = checked(name, data_dir=place)
        except VideoSftError as error:
            if source is not None:
                raise
            told.append({"source": name, "clean": False, "data_dir": place, "not_checked": str(error)})
            print_problem(f"{name} in {place}", error, console)
        else:
            told.append(report.to_dict())
            print_report(report, console)
    if as_json:
        typer.echo(json.dumps(told if source is None else told[0], indent=2))
    if not all(each["clean"] for each in told):
        raise typer.Exit(1)


def _scan(media: Sequence[str] | None, lists: str | None, *, as_json: bool) -> bool:
    """Decode every video of some folders, print what is not whole, and return whether all is.

    The list of bad files, and the journal a later run goes on from, are written to `lists`, or to the present folder.
    """
    from video_sft._given_places import media_of_words
    from video_sft.checking._deep_scan import deep_check

    if not media:
        raise ConfigError("--deep decodes the videos of a folder, zip, tar or URL; give it with --media PLACE")
    place = Path(lists or ".")
    place.mkdir(parents=True, exist_ok=True)
    given = media_of_words(media) or []
    places = itertools.chain.from_iterable(given.values()) if isinstance(given, Mapping) else given
    told: dict[str, dict[str, Any]] = {}
    console = Console(quiet=as_json)
    for given_place in places:
        folder = os.fspath(given_place)
        name = folder.rstrip("/").rpartition("/")[2] if "://" in folder else Path(folder).resolve().name
        bad_list, journal = place / f"{name}-bad-videos.txt", place / f"{name}-health.jsonl"
        found = deep_check(folder, journal=journal, bad_list=bad_list, progress=not as_json)
        written = {"bad_list": str(bad_list), "journal": str(journal)}
        told[folder] = {"clean": not found.bad, **written, **asdict(found)}
        line = f"{folder}: {found.checked + found.resumed:,} videos, {found.resumed:,} of them decoded earlier; "
        console.print(f"{line}{len(found.bad):,} are not whole", soft_wrap=True)
        if found.notes:
            console.print(found.notes, soft_wrap=True)
        for video in found.bad[:_SHOWN]:
            console.print(f"  {video.path}: {video.reason}", soft_wrap=True)
        if found.bad:
            console.print(f"Get these files again. All of them: {bad_list}", soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    return all(each["clean"] for each in told.values())


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

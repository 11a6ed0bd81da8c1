"""`video-sft check --media FOLDER --deep`: the health scan of folders of videos, as a person or a program reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from video_sft._cli.console import Console
from video_sft._given_places import media_of_words
from video_sft.checking._deep_scan import deep_check
from video_sft.errors import ConfigError

__all__ = ["scan"]

_SHOWN = 20


def scan(media: Sequence[str], lists: str | None, *, as_json: bool) -> bool:
    """Decode every video of some folders, print what is not whole, and return whether all is.

    Args:
        media: the words of `--media`.
        lists: the folder for the list of bad files and the journal a later run goes on from; the present one if None.
        as_json: print JSON and nothing else.
    """
    if not media:
        raise ConfigError("--deep decodes the videos of a folder; give it with --media FOLDER")
    place = Path(lists or ".")
    place.mkdir(parents=True, exist_ok=True)
    given = media_of_words(media) or []
    places = [place for several in given.values() for place in several] if isinstance(given, Mapping) else given
    told = {}
    for folder in map(Path, places):
        name = folder.resolve().name
        bad_list = place / f"{name}-bad-videos.txt"
        journal = place / f"{name}-health.jsonl"
        found = deep_check(folder, journal=journal, bad_list=bad_list, progress=not as_json)
        told[str(folder)] = {
            "clean": not found.bad,
            "bad_list": str(bad_list),
            "journal": str(journal),
            **asdict(found),
        }
        if not as_json:
            console = Console()
            line = f"{folder}: {found.checked + found.resumed:,} videos, {found.resumed:,} of them decoded earlier; "
            console.print(f"{line}{len(found.bad):,} are not whole", soft_wrap=True)
            for video in found.bad[:_SHOWN]:
                console.print(f"  {video.path}: {video.reason}", soft_wrap=True)
            if found.bad:
                console.print(f"Get these files again. All of them: {bad_list}", soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    return all(each["clean"] for each in told.values())

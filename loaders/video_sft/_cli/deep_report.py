"""`video-sft check --media FOLDER --deep`: the health scan of folders of videos, as a person or a program reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from video_sft._cli.console import Console
from video_sft.checking._deep_scan import deep_check
from video_sft.errors import ConfigError

__all__ = ["scan"]

_SHOWN = 20


def scan(media: Sequence[str], lists: str | None, num_workers: int | None, *, as_json: bool) -> bool:
    """Decode every video of some folders, print what is not whole, and return whether all is.

    Args:
        media: folders, or POOL=FOLDER.
        lists: the folder for the list of bad files and the journal a later run goes on from; the present one if None.
        num_workers: processes.
        as_json: print JSON and nothing else.
    """
    if not media:
        raise ConfigError("--deep decodes the videos of a folder; give it with --media FOLDER")
    place = Path(lists or ".")
    place.mkdir(parents=True, exist_ok=True)
    told = {}
    for word in media:
        folder = Path(word.partition("=")[2] or word)
        name = folder.resolve().name
        bad_list = place / f"{name}-bad-videos.txt"
        journal = place / f"{name}-health.jsonl"
        found = deep_check(folder, journal=journal, bad_list=bad_list, num_workers=num_workers, progress=not as_json)
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

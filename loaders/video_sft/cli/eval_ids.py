"""`video-sft eval-ids`: lists of evaluation videos and questions, from the user's own annotation files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from video_sft.cli.console import Console
from video_sft.cli.mix import folders_by_source
from video_sft.mixing.eval_ids import EvalList, eval_lists, unlisted, user_folder
from video_sft.mixing.eval_making import make_eval_lists

__all__ = ["eval_ids"]


def eval_ids(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Sources to read; every one that has files when left out.")
    ] = None,
    data_dir: Annotated[
        list[str] | None,
        typer.Option(help="Upstream's files: SOURCE=FOLDER, several times; or one folder with a folder per source."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the lists here instead of where `mix` looks.")] = None,
) -> None:
    """Make lists that training mixtures are kept clear of; without --data-dir, show the lists there are."""
    console = Console()
    places = folders_by_source(data_dir)
    if places is None:
        there = eval_lists(out)
        console.print(_table(there))
        missing = ", ".join(unlisted(there))
        console.print(f"no list of: {missing}" if missing else "there is a list of every split")
        return
    made = make_eval_lists(places, only=sources or None, folder=out)
    console.print(_table(made))
    console.print(f"written to {out or user_folder()}")


def _table(lists: list[EvalList]) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for name in ("source", "split", "rows", "videos", "questions", "digest", "made from"):
        table.add_column(name, justify="right" if name in ("rows", "videos", "questions") else "left", overflow="fold")
    for entry in lists:
        counts = (f"{number:,}" for number in (entry.rows, len(entry.videos), len(entry.questions)))
        table.add_row(entry.source, entry.split, *counts, entry.digest(), ", ".join(entry.files))
    return table

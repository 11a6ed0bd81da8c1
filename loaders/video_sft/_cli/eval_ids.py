"""`video-sft eval-ids`: commands that show, make, add and remove the lists training mixtures are kept clear of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from video_sft._cli.completion import source_names
from video_sft._cli.console import Console, table_of
from video_sft._cli.options import DataDirOption, MediaOption, loading

if TYPE_CHECKING:
    from video_sft.mixing import EvalList
    from video_sft.mixing._eval_lists.making import SourceOutcome

__all__ = ["eval_ids"]

Out = Annotated[Path | None, typer.Option("--out", help="The folder of lists instead of the one where `mix` looks.")]


class _MakeUnlessTold(TyperGroup):
    """Takes `eval-ids star --data-dir ...` as `eval-ids make star --data-dir ...`, and no words as `list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            args = ["list"]
        elif args[0] not in self.commands and args[0] not in ("-h", "--help"):
            making = any(word.startswith("--data-dir") for word in args)
            if making or args[0].startswith("-"):  # another word is a misspelt command
                args = ["make" if making else "list", *args]
        return super().parse_args(ctx, args)


eval_ids = typer.Typer(
    cls=_MakeUnlessTold,
    help="Lists of evaluation videos and questions that training mixtures are kept clear of. "
    "With --data-dir and no command, lists are made of your files; with nothing, they are shown.",
    rich_markup_mode=None,
)


@eval_ids.command("list")
def show_lists(out: Out = None) -> None:
    """Show the lists there are, and what there is none of and why."""
    from video_sft.mixing import eval_lists
    from video_sft.mixing._eval_lists.chosen import UNAVAILABLE, unlisted

    console = Console()
    there = eval_lists(out)
    console.print(_table(there))
    missing = unlisted(there)
    splits = ", ".join(name for name in missing if name not in UNAVAILABLE)
    told = [f"no list of: {splits} (--data-dir makes them of your files)"] if splits else []
    told += [f"no list of: {name}: {UNAVAILABLE[name]}" for name in missing if name in UNAVAILABLE]
    told += [f"{entry.name}: {entry.note}" for entry in there if entry.note]
    console.print("\n".join(told))


@eval_ids.command()
def make(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Sources to read; every one that has files when left out.",
            autocompletion=source_names,
        ),
    ] = None,
    data_dir: DataDirOption = None,
    media: MediaOption = None,
    out: Out = None,
) -> None:
    """Make lists of the validation and test splits in your files; says for each source what was read and what not.

    With --media, lists have fingerprints of the videos that are there: `decontaminate="eval-content"` finds these
    videos under any id.
    """
    from video_sft.mixing import user_folder
    from video_sft.mixing._eval_lists.making import read_eval_splits

    if not data_dir:
        raise typer.BadParameter("say where the files are: --data-dir SOURCE=PLACE, or one folder of folders")
    options = loading(data_dir=data_dir, media=media)
    outcomes = read_eval_splits(options.pop("data_dir"), only=sources or None, folder=out, **options)
    made = [entry for outcome in outcomes for entry in outcome.lists]
    console = Console()
    if made:
        console.print(_table(made))
    for outcome in outcomes:
        console.print(_told(outcome), soft_wrap=True)
    nothing = "nothing was written: no validation or test files were found"
    console.print(f"written to {out or user_folder()}" if made else nothing, soft_wrap=True)
    if not made or any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


@eval_ids.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call the list, in `eval_sets` too.")],
    file: Annotated[
        str,
        typer.Argument(
            help="One id a line (# begins a comment); or .csv, .tsv, .json, .jsonl. Or videos, to find them under any "
            "id: a folder, zip, URL or prepared root."
        ),
    ],
    pool: Annotated[
        str | None, typer.Option(help="The pool of ids that name none: youtube, charades, webvid, ...")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the list of that name.")] = False,
    out: Out = None,
) -> None:
    """Keep a file of video ids, or all videos of a place, as a list of your own: mixtures are kept clear of it."""
    from video_sft.mixing import add_eval_list, user_folder

    entry = add_eval_list(name, file, pool=pool, replace=replace, folder=out)
    videos = len(entry.videos)
    repeats = f", {entry.rows - videos:,} ids repeated" if entry.rows > videos else ""
    place = f"{out or user_folder()}/{name}.json.gz"
    shown = f", {len(entry.fingerprints):,} with fingerprints" if entry.fingerprints else ""
    Console().print(f"{name}: {videos:,} videos{repeats}{shown}; kept in {place}", soft_wrap=True)


@eval_ids.command()
def remove(name: Annotated[str, typer.Argument(help="The list to forget.")], out: Out = None) -> None:
    """Forget a list of your own."""
    from video_sft.mixing import remove_eval_list

    Console().print(f"removed {remove_eval_list(name, folder=out)}", soft_wrap=True)


def _told(outcome: SourceOutcome) -> str:
    """Return what became of one source, in a line for each fact."""
    where = f" in {outcome.place}" if outcome.place else ""
    read = ", ".join(entry.split for entry in outcome.lists)
    lines = [f"{outcome.source}: read {read}{where}"] if read else []
    done = {entry.split for entry in outcome.lists}
    for split, why in outcome.skipped.items():
        how = "read in part" if split in done else "skipped"
        lines.append(f"{outcome.source}{f' {split}' if split else ''}: {how}: {why}")
    lines += [f"{outcome.source} {split}: {counts}" for split, counts in outcome.footage.items()]
    return "\n".join(lines)


def _table(lists: list[EvalList]) -> Table:
    numbers = ("rows", "videos", "questions", "footage")
    table = table_of(("list", *numbers, "digest", "made from"), numbers=numbers)
    for entry in lists:
        things = entry.videos, entry.questions, entry.fingerprints
        counts = (f"{number:,}" for number in (entry.rows, *map(len, things)))
        name = entry.name if entry.default else f"{entry.name} (only if named)"
        table.add_row(name, *counts, entry.digest(), entry.made_from)
    return table

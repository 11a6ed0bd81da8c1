"""`video-sft repo`: a published repo brought home, linked anew, and parts of it taken down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import video_sft
from video_sft._cli.completion import config_names, split_names
from video_sft._cli.console import Console

__all__ = ["repo_commands"]

repo_commands = typer.Typer(help="Fetch a published repo's videos, link its rows anew, take configs out.")

_Repo = Annotated[str, typer.Option(help="The repo, org/name.", show_default=False)]
_Revision = Annotated[str | None, typer.Option(help="The branch; of `fetch` also a tag or commit.")]


@repo_commands.command("fetch")
def fetch(
    config: Annotated[
        str,
        typer.Argument(
            help="A config's name.",
            show_default=False,
            autocompletion=config_names,
        ),
    ],
    repo: _Repo,
    out: Annotated[Path, typer.Option(help="The folder it goes to.", show_default=False)],
    split: Annotated[
        str | None,
        typer.Option(
            help="Only this split.",
            autocompletion=split_names,
        ),
    ] = None,
    revision: _Revision = None,
) -> None:
    """Download one config with the videos its rows refer to; `load(config, repo=FOLDER)` then needs no network."""
    folder = video_sft.fetch_videos(config, repo=repo, out=out, split=split, revision=revision)
    Console().print(f"{config} of {repo} is in {folder}", soft_wrap=True)


@repo_commands.command("relink")
def relink(
    place: Annotated[str, typer.Argument(help="The repo, org/name, as it is called now; or its folder.")],
    revision: _Revision = None,
) -> None:
    """Make rows point at the videos beside them, in a repo that was renamed, duplicated, squashed or downloaded."""
    report = video_sft.relink(place, revision=revision)
    written = f"{len(report.files):,} Parquet files were written anew"
    done = f"{report.name}: {written}" if report.files else f"{report.name}: all rows point at the right place already"
    at = f"; it is at {report.commit}" if report.commit and report.files else ""
    Console().print(f"{done} ({report.videos:,} videos){at}", soft_wrap=True)


@repo_commands.command("unpublish")
def unpublish(
    configs: Annotated[
        list[str],
        typer.Argument(
            help="Names of configs.",
            show_default=False,
            autocompletion=config_names,
        ),
    ],
    repo: _Repo,
    revision: _Revision = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
) -> None:
    """Delete configs from a repo, with those of their videos that no other config there uses."""
    report = video_sft.unpublish(configs, repo=repo, revision=revision, dry_run=dry_run)
    console = Console()
    for path in report.deleted:
        console.print(path, soft_wrap=True, highlight=False)
    verb = "would be" if dry_run else "are"
    console.print(
        f"{len(report.deleted):,} files of {repo} {verb} deleted; {', '.join(report.configs) or 'no config'} stays"
    )
    if not dry_run:
        console.print(
            "The history still has them: HfApi.super_squash_history and then `video-sft repo relink` end that"
        )

"""`video-sft publish`: configs to repos on the Hub, or a count of what would be sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.completion import publishable_names
from video_sft._cli.console import Console, table_of

if TYPE_CHECKING:
    from video_sft.publishing import RepoReport

__all__ = ["publish_configs"]

#: Deleted files that are named.
_LISTED = 20


def publish_configs(
    configs: Annotated[
        list[str],
        typer.Argument(
            help="Config names, or `all`.",
            show_default=False,
            autocompletion=publishable_names,
        ),
    ],
    repo: Annotated[str | None, typer.Option(help="The repo for all of them, org/name.")] = None,
    repo_per_source: Annotated[
        str | None, typer.Option(help="Instead of --repo: one repo a source, e.g. 'org/video-sft-{source}'.")
    ] = None,
    data_dir: opt.DataDirOption = None,
    file: opt.SourceFileOption = None,
    sample: opt.SampleOption = False,
    media: opt.MediaOption = None,
    missing: opt.MissingOption = "null",
    on_bad_row: opt.BadRowOption = "error",
    videos: Annotated[
        str | None,
        typer.Option(
            help="reference (uploaded once, the default with media), packed (in zips), embed (inside the rows) or none "
            "(those that are there go)."
        ),
    ] = None,
    allow_restricted_videos: Annotated[
        bool,
        typer.Option("--allow-restricted-videos", help="Publish videos whose terms give no right to; if you have one."),
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="Make the repos private.")] = False,
    revision: Annotated[str | None, typer.Option(help="The branch to publish to.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent and deleted, and do neither.")
    ] = False,
    state_dir: Annotated[Path | None, typer.Option(help="Where hashes of media files are remembered.")] = None,
    prompt_style: opt.PromptStyleOption = None,
) -> None:
    """Publish configs to the Hub: Parquet rows, a card, and videos the viewer plays; run anew, what changed."""
    given = {"data_dir": data_dir, "file": file, "media": media, "sample": sample, "prompt_style": prompt_style}
    options: dict[str, Any] = opt.loading(**given, by_source=True)  # type: ignore[arg-type]
    options |= {"missing": missing, "on_bad_row": on_bad_row, "videos": videos, "state_dir": state_dir}
    options |= {"repo": repo, "repo_per_source": repo_per_source, "private": private, "revision": revision}
    options |= {"allow_restricted_videos": allow_restricted_videos, "dry_run": dry_run}
    report = video_sft.publish(configs, **options)
    console = Console()
    for each in report.repos:
        console.print(_table(each, dry_run=dry_run))
        console.print(_summary(each, dry_run=dry_run), soft_wrap=True)
    if len(report.repos) > 1:
        names = " ".join(item["item_id"] for item in report.collection_items)
        console.print(f"For a collection: {names}", soft_wrap=True)


def _table(repo: RepoReport, *, dry_run: bool) -> Table:
    headings = ("config", "split", "rows", "with media", "Parquet files", "to send" if dry_run else "sent", "size")
    title = f"{repo.name}{' (dry run: nothing was sent)' if dry_run else ''}"
    table = table_of(headings, numbers=headings[2:], title=title)
    for config in repo.configs:
        for name, split in config.splits.items():
            counts = (f"{split.rows:,}", f"{split.rows_with_media:,}", str(split.files), str(split.new_files))
            table.add_row(config.name, name, *counts, _size(split.file_bytes))
    return table


def _summary(repo: RepoReport, *, dry_run: bool) -> str:
    licenses: Counter[str] = Counter()
    for config in repo.configs:
        for split in config.splits.values():
            licenses.update(split.licenses)
    verb = "to send" if dry_run else "sent"
    videos = f"{repo.videos.files:,} videos, {repo.videos.new:,} {verb} ({_size(repo.videos.new_bytes)})"
    lines = [] if repo.asked else ["the Hub was not reached: what is there is not known, and all is taken for new"]
    lines += [
        {
            "reference": videos,
            "packed": f"{videos}, in zips",
            "embed": "videos inside the rows",
            "none": "no videos",
        }[repo.video_mode],
        f"licence of the repo: {repo.license}; of rows: "
        + (", ".join(f"{name} {count:,}" for name, count in sorted(licenses.items())) or "not stated per row"),
    ]
    if repo.video_mode != "none":
        lines += [f"terms of the videos of {source}: {terms}" for source, terms in repo.video_terms.items()]
    if repo.deleted:
        some = f" and {len(repo.deleted) - _LISTED:,} more" if len(repo.deleted) > _LISTED else ""
        verb = "would be deleted" if dry_run else "deleted"
        lines.append(f"{verb}, {len(repo.deleted):,} files: {', '.join(repo.deleted[:_LISTED])}{some}")
    lines.append(f"would go to {repo.url}" if dry_run else f"{repo.url} at {repo.commit}")
    return "\n".join(lines)


def _size(count: int) -> str:
    for unit, limit in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= limit:
            return f"{count / limit:,.1f} {unit}"
    return f"{count} bytes"

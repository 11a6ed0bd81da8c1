"""`video-sft publish`: configs to repos on the Hub, or what would go there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from huggingface_hub.utils.tqdm import disable_progress_bars
from rich.table import Table

from video_sft._cli.console import Console
from video_sft._cli.options import Media, PromptStyle, Sample, files_by_source, media_by_pool, wording
from video_sft.publishing import PublishReport, RepoReport, publish

__all__ = ["publish_command"]


def publish_command(
    configs: Annotated[list[str], typer.Argument(help="Config names, or `all`.", show_default=False)],
    repo: Annotated[str | None, typer.Option(help="The repo for all of them, org/name.")] = None,
    repo_per_source: Annotated[
        str | None, typer.Option(help="Instead of --repo: one repo a source, e.g. 'org/video-sft-{source}'.")
    ] = None,
    data_dir: Annotated[
        list[str] | None,
        typer.Option(
            help="Upstream's files: a folder, zip or URL, or source=folder for each source. Downloaded if left out."
        ),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(help="A file of any name: SOURCE/SPLIT=PATH, SOURCE/SPLIT/PART=PATH, or with its role behind."),
    ] = None,
    sample: Sample = False,
    media: Media = None,
    missing: Annotated[str, typer.Option(help="Videos that are not there: null, skip or error.")] = "null",
    on_bad_row: Annotated[str, typer.Option(help="Rows that cannot be read: error or skip.")] = "error",
    videos: Annotated[
        str | None,
        typer.Option(help="reference (uploaded once, the default with media), embed (inside the rows) or none."),
    ] = None,
    allow_restricted_videos: Annotated[
        bool,
        typer.Option("--allow-restricted-videos", help="Publish videos whose terms give no right to; if you have one."),
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="Make the repos private.")] = False,
    revision: Annotated[str | None, typer.Option(help="The branch to publish to.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    state_dir: Annotated[Path | None, typer.Option(help="Where hashes of media files are remembered.")] = None,
    prompt_style: PromptStyle = None,
) -> None:
    """Publish configs to the Hub: Parquet rows, a card, and videos the viewer plays. Again, it sends what changed."""
    disable_progress_bars()
    pools: Any = media_by_pool(media)
    report = publish(
        configs,
        repo=repo,
        repo_per_source=repo_per_source,
        data_dir=_data_dirs(data_dir),
        files=files_by_source(file),
        sample=sample,
        media=pools,
        missing=missing,  # type: ignore[arg-type]
        videos=videos,  # type: ignore[arg-type]
        allow_restricted_videos=allow_restricted_videos,
        private=private,
        revision=revision,
        dry_run=dry_run,
        state_dir=state_dir,
        on_bad_row=on_bad_row,
        **wording(prompt_style),
    )
    _show(report, Console())


def _data_dirs(given: list[str] | None) -> Any:
    """Return folders by source where any is given as `source=folder`, else the one folder."""
    if not given:
        return None
    named = dict(one.split("=", 1) for one in given if "=" in one and "/" not in one.split("=", 1)[0])
    if len(named) == len(given):
        return named
    if len(given) > 1:
        raise typer.BadParameter("give one folder, or source=folder for each source", param_hint="--data-dir")
    return given[0]


def _show(report: PublishReport, console: Console) -> None:
    for repo in report.repos:
        console.print(_table(repo, dry_run=report.dry_run))
        console.print(_summary(repo, dry_run=report.dry_run), soft_wrap=True)
    if len(report.repos) > 1:
        names = " ".join(item["item_id"] for item in report.collection_items)
        console.print(f"For a collection: {names}", soft_wrap=True)


def _table(repo: RepoReport, *, dry_run: bool) -> Table:
    table = Table(title=f"{repo.name}{' (dry run: nothing was sent)' if dry_run else ''}")
    for heading in ("config", "split", "rows", "with media", "Parquet files", "to send" if dry_run else "sent", "size"):
        table.add_column(heading)
    for config in repo.configs:
        for name, split in config.splits.items():
            counts = (f"{split.rows:,}", f"{split.rows_with_media:,}", str(split.files), str(split.new_files))
            table.add_row(config.name, name, *counts, _size(split.file_bytes))
    return table


def _summary(repo: RepoReport, *, dry_run: bool) -> str:
    licenses: dict[str, int] = {}
    for config in repo.configs:
        for split in config.splits.values():
            for name, count in split.licenses.items():
                licenses[name] = licenses.get(name, 0) + count
    verb = "to send" if dry_run else "sent"
    videos = f"{repo.videos.files:,} videos, {repo.videos.new:,} {verb} ({_size(repo.videos.new_bytes)})"
    lines = [
        {"reference": videos, "embed": "videos inside the rows", "none": "no videos"}[repo.video_mode],
        f"licence of the repo: {repo.license}; of rows: "
        + (", ".join(f"{name} {count:,}" for name, count in sorted(licenses.items())) or "not stated per row"),
    ]
    if repo.video_mode != "none":
        lines += [f"terms of the videos of {source}: {terms}" for source, terms in repo.video_terms.items()]
    lines.append(f"would go to {repo.url}" if dry_run else f"{repo.url} at {repo.commit}")
    return "\n".join(lines)


def _size(count: int) -> str:
    for unit, limit in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= limit:
            return f"{count / limit:,.1f} {unit}"
    return f"{count} bytes"

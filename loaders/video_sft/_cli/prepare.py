"""`video-sft prepare`: the videos of a config or a mixture made ready for training."""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any

import typer

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.console import Console

__all__ = ["prepare_videos"]

_SHOWN = 20


def prepare_videos(
    rows: Annotated[
        str,
        typer.Argument(
            help="A config (`video-sft list`), or a recipe (`video-sft mix ?`, or YAML).", show_default=False
        ),
    ],
    out: Annotated[str, typer.Option(help="A folder or fsspec URL: a new one, or one to go on with.")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            "--steps",
            metavar="probe,health,fingerprint,trim,transcode,frames",
            help="What is done, several times or with commas; probe, trim and transcode if left out.",
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Shortest side of what transcode writes, in pixels.")] = 224,
    max_fps: Annotated[
        float | None, typer.Option(help="Frames a second that transcode keeps at most; of frames, the rate.")
    ] = None,
    trim: Annotated[str, typer.Option(metavar="exact|copy", help="Encode where need be, or copy from a key frame.")] = (
        "exact"
    ),
    quality: Annotated[int, typer.Option(help="x264's rate factor, 0 to 51; more is smaller.")] = 23,
    encoder: Annotated[str, typer.Option(metavar="auto|libx264|h264_nvenc", help="Of H.264.")] = "auto",
    split: Annotated[str, typer.Option(help="Of the config, or of all of a recipe's.")] = "train",
    pool: Annotated[list[str] | None, typer.Option("--pool", help="Only videos of this pool; several times.")] = None,
    max_rows: Annotated[int | None, typer.Option(help="Look at so many rows.")] = None,
    shard: Annotated[str, typer.Option(metavar="I/N", help="One part of the work, counted from 0: 3/256.")] = "0/1",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed in an earlier run.")
    ] = False,
    engine: Annotated[str, typer.Option(metavar="local|ray", help="Processes of this machine, or a Ray cluster.")] = (
        "local"
    ),
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster: host:6379, ray://host:10001, auto, or local to start one.")
    ] = None,
    num_workers: Annotated[int | None, typer.Option(help="Processes; one for each processor if left out.")] = None,
    seconds_per_video: Annotated[float, typer.Option(help="A video that takes longer is given up.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")] = False,
    data_dir: opt.DataDirOption = None,
    file: opt.FileOption = None,
    media: opt.MediaOption = None,
    repo: opt.RepoOption = None,
    sample: opt.SampleOption = False,
) -> None:
    """Probe, check, trim and transcode the videos of rows, each once, and keep what was done in a manifest.

    Run it again after it was stopped, or with more rows: only what is new or has changed is read. The exit code is 1
    when some videos cannot be prepared.
    """
    if as_json:
        logging.getLogger("video_sft").setLevel(logging.WARNING)
    is_config = rows in video_sft.configs()
    options: dict[str, Any] = opt.loading(
        data_dir=data_dir, file=file, media=media, sample=sample, by_source=not is_config
    )
    if step is not None:
        options["steps"] = [name.strip() for each in step for name in each.split(",") if name.strip()]
    if repo is not None:
        options["repo"] = repo
    report = video_sft.prepare(
        rows,
        out=out,
        size=size,
        max_fps=max_fps,
        trim=trim,  # type: ignore[arg-type]
        quality=quality,
        encoder=encoder,
        split=split,
        pools=pool,
        max_rows=max_rows,
        shard=shard,
        retry_failed=retry_failed,
        engine=engine,  # type: ignore[arg-type]
        address=address,
        num_workers=num_workers,
        seconds_per_video=seconds_per_video,
        progress=not as_json,
        **options,
    )
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        console = Console(soft_wrap=True)
        for name, what in report.lines():  # whole, however narrow the terminal: a path is there to be copied
            console.print(f"{name:<17}{what}")
        for video, why in report.failed[:_SHOWN]:
            console.print(f"  {video}: {why}", style="red")
        if len(report.failed) > _SHOWN:
            console.print(f"  and {len(report.failed) - _SHOWN:,} more: column error of the manifest")
    if report.failed:
        raise typer.Exit(1)

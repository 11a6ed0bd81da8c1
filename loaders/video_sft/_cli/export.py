"""`video-sft export`: a config or a mixture as files that another trainer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.console import Console
from video_sft._exporting.target_names import TARGET_NAMES

__all__ = ["export_rows"]


def export_rows(
    rows: Annotated[
        str,
        typer.Argument(
            help="A config (`video-sft list`), or a recipe (`video-sft mix ?`, or YAML).", show_default=False
        ),
    ],
    to: Annotated[str, typer.Option(metavar="|".join(TARGET_NAMES), help="The trainer or format.")],
    out: Annotated[Path, typer.Option(help="A new folder, or that of the same export, which then goes on.")],
    clips: Annotated[
        str | None,
        typer.Option(
            metavar="keys|trim|frames",
            help="Clips by their limits beside the whole file, as files of their own, or as images. By default limits "
            "where the trainer knows them, else files.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Of the config, or of all of a recipe's.")] = "train",
    name: Annotated[
        str | None, typer.Option(help="What files and the dataset are called; the split if left out.")
    ] = None,
    fps: Annotated[float, typer.Option(help="Images a second, with frames.")] = 2.0,
    max_frames: Annotated[int | None, typer.Option(help="Images of one clip at most, with frames.")] = None,
    shard_mb: Annotated[float | None, typer.Option(help="How large a file of rows is, about.")] = None,
    num_threads: Annotated[int | None, typer.Option(help="Media prepared at the same time.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another export in the folder.")] = False,
    data_dir: opt.DataDirOption = None,
    file: opt.FileOption = None,
    media: opt.MediaOption = None,
    repo: opt.RepoOption = None,
    sample: opt.SampleOption = False,
    prompt_style: opt.PromptStyleOption = None,
) -> None:
    """Write rows and their media for ms-swift, LLaMA-Factory, Qwen's tools, LLaVA-NeXT, WebDataset or MDS.

    Rows whose media are not there, or whose answer is withheld, are left out and counted.
    """
    from video_sft._exporting.export import checked_target

    name = name or split.partition("[")[0]
    checked_target(to, clips, name, fps, max_frames)  # type: ignore[arg-type]  # before all rows are loaded
    is_config = rows in video_sft.configs()
    given = {"data_dir": data_dir, "file": file, "media": media, "sample": sample, "prompt_style": prompt_style}
    options: dict[str, Any] = opt.loading(**given, by_source=not is_config)  # type: ignore[arg-type]
    read: Any
    if is_config:
        read = video_sft.load(rows, split=split, repo=repo, **options)
    else:
        read = video_sft.mix(rows, split=split, repo=repo, **options)
    report = video_sft.export(
        read,
        to=to,  # type: ignore[arg-type]
        out=out,
        clips=clips,  # type: ignore[arg-type]
        name=name,
        fps=fps,
        max_frames=max_frames,
        shard_bytes=None if shard_mb is None else max(1, int(shard_mb * 1e6)),
        num_threads=num_threads,
        overwrite=overwrite,
    )
    Console(soft_wrap=True).print(report)

"""`video-sft export`: a config or a mixture as files that another trainer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from video_sft._cli.console import Console
from video_sft._cli.mix import folders_by_source
from video_sft._cli.options import Media, PromptStyle, Sample, files_by_part, files_by_source, media_by_pool, wording
from video_sft._exporting.export import export
from video_sft._exporting.targets import TARGETS
from video_sft._loading import load
from video_sft.builders import configs
from video_sft.errors import ConfigError
from video_sft.mixing import mix

__all__ = ["export_rows"]


def export_rows(
    rows: Annotated[
        str,
        typer.Argument(
            help="A config (`video-sft list`), or a recipe (`video-sft mix ?`, or YAML).", show_default=False
        ),
    ],
    to: Annotated[str, typer.Option(metavar="|".join(TARGETS), help="The trainer or format.")],
    out: Annotated[Path, typer.Option(help="A new folder, or that of the same export, which then goes on.")],
    clips: Annotated[
        str | None,
        typer.Option(
            metavar="keys|trim|frames",
            help="Clips by their limits beside the whole file, as files of their own, or as images. By default limits "
            "where the trainer knows them, else files.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Of the config.")] = "train",
    name: Annotated[
        str | None, typer.Option(help="What files and the dataset are called; the split if left out.")
    ] = None,
    fps: Annotated[float, typer.Option(help="Images a second, with frames.")] = 2.0,
    max_frames: Annotated[int | None, typer.Option(help="Images of one clip at most, with frames.")] = None,
    shard_mb: Annotated[float | None, typer.Option(help="How large a file of rows is, about.")] = None,
    num_threads: Annotated[int | None, typer.Option(help="Media prepared at the same time.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another export in the folder.")] = False,
    data_dir: Annotated[
        list[str] | None,
        typer.Option(help="Upstream's files: a folder; for a recipe SOURCE=FOLDER, several times."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(help="A file of any name: SPLIT=PATH as for `build`, for a recipe SOURCE/SPLIT=PATH."),
    ] = None,
    media: Media = None,
    repo: Annotated[str | None, typer.Option(help="Take the rows from this Hub repo.")] = None,
    sample: Sample = False,
    prompt_style: PromptStyle = None,
) -> None:
    """Write rows and their media for ms-swift, LLaMA-Factory, Qwen's tools, LLaVA-NeXT, WebDataset or MDS.

    Rows whose media are not there, or whose answer is withheld, are left out and counted.
    """
    options: dict[str, Any] = {"media": media_by_pool(media), "repo": repo, "sample": sample or None}
    options |= wording(prompt_style)
    read: Any
    if rows in configs():
        folder = folders_by_source(data_dir)
        if folder is not None and not isinstance(folder, str):
            raise ConfigError(f"--data-dir SOURCE=FOLDER is for recipes; {rows} takes one folder")
        options |= {"data_dir": folder, "files": files_by_part(file)}
        read = load(rows, split=split, **_given(options))
    else:
        options |= {"data_dir": folders_by_source(data_dir), "files": files_by_source(file)}
        read = mix(rows, **_given(options))
    report = export(
        read,
        to=to,  # type: ignore[arg-type]
        out=out,
        clips=clips,  # type: ignore[arg-type]
        name=name or split.partition("[")[0],
        fps=fps,
        max_frames=max_frames,
        shard_bytes=None if shard_mb is None else max(1, int(shard_mb * 1e6)),
        num_threads=num_threads,
        overwrite=overwrite,
    )
    Console(soft_wrap=True).print(report)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}

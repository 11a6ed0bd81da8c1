"""`video-sft build`: a config's rows as a folder that `datasets.load_from_disk` reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.console import Console
from video_sft._files import writing_whole_folder
from video_sft.errors import ConfigError

__all__ = ["build", "save_whole"]


def build(
    config: opt.ConfigArgument,
    out: Annotated[Path, typer.Option(help="The folder to write; it must not exist yet, or be empty.")],
    data_dir: opt.DataDirOption = None,
    file: opt.FileOption = None,
    media: opt.MediaOption = None,
    missing: opt.MissingOption = "null",
    on_bad_row: opt.BadRowOption = "error",
    sample: opt.SampleOption = False,
    num_proc: Annotated[int | None, typer.Option(help="Processes, where a split has several files.")] = None,
    prompt_style: opt.PromptStyleOption = None,
) -> None:
    """Build a config and save it for `datasets.load_from_disk`; the folder appears whole or not at all.

    Videos are put into the folder, each once (linked where the file system can, else copied): it can be moved.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already; give --out a new folder")
    given = opt.loading(data_dir=data_dir, file=file, media=media, sample=sample, prompt_style=prompt_style)
    options: Any = {"missing": missing, "on_bad_row": on_bad_row, "num_proc": num_proc, **given}
    dataset: Any = video_sft.load(config, **options)
    save_whole(dataset, out)
    rows = ", ".join(f"{name} {len(part):,}" for name, part in dataset.items())
    Console().print(f"{config}: {rows} rows in {out}")


def save_whole(dataset: Any, out: Path) -> None:
    """Save rows for `datasets.load_from_disk`; a folder that is not there yet appears whole or not at all."""
    if out.is_dir() and any(out.iterdir()):
        dataset.save_to_disk(os.fspath(out))
        return
    with writing_whole_folder(out) as unfinished:
        dataset.save_to_disk(os.fspath(unfinished))

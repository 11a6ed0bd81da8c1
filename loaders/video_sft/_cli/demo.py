"""`video-sft demo`: the main job, done on the embedded samples of every source."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import video_sft
from video_sft._cli.console import Console, table_of
from video_sft._cli.show import row_panel
from video_sft._config_name import is_upstream

__all__ = ["demo"]

_FRAMES = 8


def demo(out: Annotated[Path, typer.Option(help="Folder for the contact sheet.")] = Path("demo-output")) -> None:
    """Build every source's sample, mix a few rows, show one conversation, and draw a clip's frames."""
    import datasets

    from video_sft.builders import find_source
    from video_sft.sample_media import has_sample

    console = Console()
    headings = ("config", "rows", "videos", "images", "tasks", "licence")
    table = table_of(headings, numbers=headings[1:4], title="The embedded samples")
    datasets.disable_progress_bars()
    logging.getLogger("video_sft").setLevel(logging.WARNING)
    with_samples = [source for source in video_sft.sources() if has_sample(source)]
    for source in with_samples:
        for config in find_source(source).configs:
            _add(table, config)
    console.print(table)
    mixed: Any = video_sft.mix(with_samples, sample=True, num_rows=12, seed=0)
    console.print(f"A mixture of {len(mixed)} rows: {', '.join(mixed['source'])}", soft_wrap=True)
    row = next(row for row in mixed if row["video"] is not None)
    console.print(row_panel(row, "one of them"))
    out.mkdir(parents=True, exist_ok=True)
    sheet = (out / "contact-sheet.png").resolve()
    title = f"{row['id']}: {_FRAMES} frames"
    video_sft.contact_sheet(row["video"], count=_FRAMES, title=title).save(sheet)
    console.print(f"Its frames: {sheet}", soft_wrap=True)


def _add(table: Table, config: str) -> None:
    import datasets

    from video_sft.builders import find_source

    splits: Any = video_sft.load(config, sample=True)
    rows = datasets.concatenate_datasets(list(splits.values()))
    if is_upstream(config):
        table.add_row(config, str(len(rows)), "", "", "upstream fields", find_source(config).license)
        return
    videos = {path for path, cell in zip(rows["video_path"], rows.data["video"], strict=True) if cell.is_valid}
    images = {path for path, cell in zip(rows["video_path"], rows.data["image"], strict=True) if cell.is_valid}
    tasks, licences = ("\n".join(sorted(set(rows[name]))) for name in ("task", "license"))
    table.add_row(config, str(len(rows)), str(len(videos)), str(len(images)), tasks, licences)

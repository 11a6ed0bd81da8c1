"""`video-sft show`: one row the way a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.completion import split_names
from video_sft._cli.console import Console
from video_sft._tables import WholeTable
from video_sft.errors import ConfigError

__all__ = ["conversation", "row_panel", "show"]

_COLOURS = {"system": "magenta", "user": "cyan", "assistant": "green"}
_FACTS = ("task", "answer_format", "question_type", "answer", "answer_index", "video_id", "video_path", "license")


def show(
    config: opt.ConfigArgument,
    data_dir: opt.DataDirOption = None,
    file: opt.FileOption = None,
    media: opt.MediaOption = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="The split; the first one there is when left out.",
            autocompletion=split_names,
        ),
    ] = None,
    index: Annotated[int, typer.Option(help="Which row, from 0; negative counts from the end.")] = 0,
    sample: opt.SampleOption = False,
    prompt_style: opt.PromptStyleOption = None,
    frames: Annotated[
        bool, typer.Option("--frames/--no-frames", help="Frames of the clip, on a terminal with colours.")
    ] = True,
) -> None:
    """Print one row: its conversation, its answer, where its video is and what it is, and frames of it."""
    from video_sft._upstream_loading import first_split

    options = opt.loading(data_dir=data_dir, file=file, sample=sample, prompt_style=prompt_style)
    split = split or first_split(config, **options)
    loaded: Any = video_sft.load(config, split=split, **options, **opt.loading(media=media))
    if not -len(loaded) <= index < len(loaded):
        raise ConfigError(f"{config}, {split} has {len(loaded):,} rows; there is no row {index}")
    console, row = Console(), loaded[index]
    console.print(row_panel(row, f"{config}  {split}  row {index:,} of {len(loaded):,}"))
    if frames:
        from video_sft._cli.pictures import print_frames

        print_frames(console, row)


def row_panel(row: Mapping[str, Any], title: str) -> Panel:
    """Return a row as a framed text: the conversation first, then the facts."""
    if "messages" not in row:
        return Panel(Text(json.dumps(row, indent=2, ensure_ascii=False, default=str)), title=Text(title))
    facts = WholeTable.grid(padding=(0, 2))
    for name in _FACTS:
        if row[name] is not None:
            facts.add_row(Text(name, style="dim"), Text(str(row[name])))
    if row["start_seconds"] is not None or row["stop_seconds"] is not None:
        facts.add_row(Text("clip", style="dim"), Text(f"{row['start_seconds']} to {row['stop_seconds']} s"))
    for moment in row["evidence"]:
        facts.add_row(Text("evidence", style="dim"), Text(f"{moment['start_seconds']} to {moment['stop_seconds']} s"))
    for kind in ("video", "image"):
        if row[kind] is not None:
            facts.add_row(Text(kind, style="dim"), Text(str(row[kind])))
    return Panel(Group(conversation(row["messages"]), Text(), facts), title=Text(f"{title}  {row['id']}"))


def conversation(messages: list[dict[str, Any]]) -> Text:
    """Return chat turns as coloured text, the media part as `<video>` or `<image>`."""
    text = Text()
    for message in messages:
        text.append(f"{message['role']}\n", style=f"bold {_COLOURS.get(message['role'], 'white')}")
        for part in message["content"]:
            said = part["text"] if part["type"] == "text" else f"<{part['type']}>"
            text.append("".join(f"  {line}\n" for line in said.splitlines()))
    text.rstrip()
    return text

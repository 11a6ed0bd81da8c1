"""A source as another package would have it, with anything about it changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from video_sft.source_kit import (
    Media,
    OpenPart,
    OpenQuestion,
    Part,
    Record,
    RemoteFile,
    Source,
    SourceBuilder,
    SourceRow,
)

__all__ = ["made_builder", "made_record", "made_source", "parse", "write_rows"]


def parse(part: OpenPart) -> Iterator[Record]:
    yield from part.problems.read(part.json_rows(), made_record)


def made_record(row: SourceRow) -> Record:
    """A row as the source reads it."""
    video = row.name("video")
    body = OpenQuestion(row.text("q"), row.text("a"))
    media = Media(row.text_or_empty("pool") or "made", video, f"{video}.mp4")
    return Record(key=row.text("id"), task=row.text_or_empty("task") or "vqa", body=body, media=media, row=row)


def made_source(**facts: Any) -> Source:
    """The least a source states, with some facts changed."""
    parts = tuple(Part(split=split, files={"rows": RemoteFile(name=f"{split}.json")}) for split in ("train", "test"))
    stated = {"name": "made", "tasks": ("vqa",), "pools": ("made",), "parts": parts, "parse": parse}
    return Source(**{**stated, **facts})


def made_builder(**facts: Any) -> type[SourceBuilder]:
    """A builder class that nobody knows but the caller."""

    class Made(SourceBuilder):
        """Made up."""

        source = made_source(**facts)

    return Made


def write_rows(folder: Path, **rows: list[dict[str, str]]) -> Path:
    """Write the files of some splits; each row has what the source reads, unless told otherwise."""
    folder.mkdir(exist_ok=True)
    for split, given in rows.items():
        made = [
            {"id": f"{split}-{number}", "video": f"{split}{number}", "q": "what is it?", "a": "a cup", **row}
            for number, row in enumerate(given)
        ]
        (folder / f"{split}.json").write_text(json.dumps(made))
    return folder

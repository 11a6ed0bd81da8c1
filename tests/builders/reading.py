"""Reading invented upstream files the way a user would, and quickly enough for hundreds of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import video_sft
from video_sft._annotations import Problems
from video_sft._base_builder.source_columns import to_upstream_table
from video_sft._rows.messages import MessageStyle
from video_sft._rows.schema import to_table
from video_sft._sources.open_part import OpenPart
from video_sft._sources.source import usable_records
from video_sft._text import cleaned
from video_sft.builders import find_source

#: For properties of files: no limit on time, and every example writes its own files into the test's folder.
patient = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40
)
#: Any text a row may have: every script, quotes, tabs and newlines, but something to see in it once it is trimmed.
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(cleaned)
identifiers = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", min_size=11, max_size=11)


def write_rows(folder: Path, name: str, rows: Any) -> None:
    """Write upstream's JSON the way Python's `json` does."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")


def stream(config: str, folder: Path, split: str = "train", **options: Any) -> list[dict[str, Any]]:
    """Return the rows of a split through the public API, without a cache."""
    rows: Any = video_sft.load(config, data_dir=folder, split=split, streaming=True, **options)
    return list(rows)


def parse_bytes(config: str, data: bytes, folder: Path, *, part: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of one file, and what was said of those left out, under `on_bad_row="skip"`.

    Args:
        config: a source's name, or its `-source` config.
        data: the file's content.
        folder: where to put it.
        part: which of the source's parts it is.
    """
    source, upstream = find_source(config), config.endswith("-source")
    chosen = source.parts[part]
    location = folder / "rows"
    location.write_bytes(data)
    opened = OpenPart(chosen, {"rows": str(location)}, Problems("skip"), upstream)
    records = list(usable_records(source, opened))
    if upstream:
        table: pa.Table = to_upstream_table(records, source, opened.problems)
    else:
        table = to_table(records, source=source.name, license=source.license, style=MessageStyle())
    return table.to_pylist(), [str(error) for error in opened.problems.skipped]


def said(row: dict[str, Any]) -> Sequence[tuple[str, str]]:
    """Return a row's messages as (role, text), media parts left out."""
    return [
        (message["role"], "".join(part["text"] for part in message["content"] if part["type"] == "text"))
        for message in row["messages"]
    ]

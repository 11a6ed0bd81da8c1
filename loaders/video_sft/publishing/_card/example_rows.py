"""The rows that cards show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Dataset, Video

from video_sft._upstream_loading import RowOptions, first_split, load_upstream
from video_sft.publishing._report import ExampleRow
from video_sft.sample_media import has_sample, sample_folder

__all__ = ["example_row", "sample_row"]

#: Of a text; long descriptions run to thousands of letters.
_LETTERS = 400
_TURNS = 4
_SEARCHED = 50


def example_row(split: str, rows: Any) -> ExampleRow | None:
    """Return the first of a split's first rows that has an answer, and a video where one of them has.

    Args:
        split: its name.
        rows: a dataset of shared rows, or a stream of them.
    """
    # A dataset's own `take` refuses more rows than there are before datasets 5.
    searched = min(_SEARCHED, len(rows)) if isinstance(rows, Dataset) else _SEARCHED
    some = list(rows.take(searched).cast_column("video", Video(decode=False)).remove_columns("image"))
    if not some:
        return None
    row = max(some, key=lambda row: (row["messages"][-1]["role"] == "assistant", row["video"] is not None))
    turns = [[turn["role"], _text(turn)] for turn in row["messages"][:_TURNS]]
    return ExampleRow(split, row["id"], turns, row["video_path"], row["start_seconds"], row["stop_seconds"])


def _text(turn: Mapping[str, Any]) -> str:
    parts = [f"<{part['type']}>" if part["text"] is None else part["text"] for part in turn["content"]]
    text = "\n".join(parts)
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS].rstrip()} ..."


def sample_row(config: str) -> ExampleRow | None:
    """Return an invented row of a source's whole config, where it has some."""
    if not has_sample(config):
        return None
    files = sample_folder(config)  # without the clips, which nobody sees here
    split = first_split(config, data_dir=files)
    rows: Any = load_upstream(RowOptions(config=config, streaming=True), data_dir=files, split=split)
    return example_row(split, rows)

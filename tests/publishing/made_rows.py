"""Rows and videos made for a test: any number of them, without building a source."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datasets import Dataset, DatasetDict

from video_sft._rows.schema import features
from video_sft.publishing._cells import VideoMode
from video_sft.publishing._upload.repo_run import GivenMedia, LoadedConfig, RepoRun
from video_sft.publishing._upload.repository import HubRepo
from video_sft.video._fragment import with_fragment


def make_videos(folder: Path, count: int, size: int = 300, *, contents: int | None = None) -> list[Path]:
    """Write files of `size` bytes that nobody decodes.

    Args:
        folder: where.
        count: how many.
        size: of each.
        contents: how many different ones there are among them; all differ by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:05d}.mp4" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(b"\0\0\0\x18ftyp" + f"{number % (contents or count):08d}".encode() + b"\0" * (size - 16))
    return files


def make_rows(files: list[Path], *, rows: int | None = None, limits: bool = True) -> Dataset:
    """Return rows about files in turn: a question each, on five seconds of the video."""
    count = len(files) if rows is None else rows
    made = [_row(number, files[number % len(files)] if files else None, limits) for number in range(count)]
    return Dataset.from_list(made, features=features())


def _row(number: int, file: Path | None, limits: bool) -> dict[str, object]:
    start = float(number % 7)
    cell = None if file is None else with_fragment(str(file), start, start + 5) if limits else str(file)
    question = [{"type": "video", "text": None}, {"type": "text", "text": f"What is in clip {number}?"}]
    return {
        "id": f"star/made_{number}",
        "source": "star",
        "task": "reasoning",
        "answer_format": "open_ended",
        "question_type": f"T{number % 3}",
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": [{"type": "text", "text": f"Number {number}."}]},
        ],
        "video": cell,
        "image": None,
        "video_id": None if file is None else f"charades/{file.stem}",
        "video_path": None if file is None else f"charades/{file.name}",
        "start_seconds": start,
        "stop_seconds": start + 5,
        "choices": [],
        "answer": f"Number {number}.",
        "answer_index": None,
        "evidence": [],
        "license": "Apache-2.0",
    }


def video_cells(content: bytes) -> list[dict[str, Any] | None]:
    """Return the video cells of a Parquet file as they are stored: lists of one, without the lists."""
    return pq.read_table(io.BytesIO(content))["video"].to_pylist()


def made_run(
    rows: Dataset, state_dir: Path, *, repo: str = "org/made", mode: VideoMode = "reference", config: str = "star"
) -> RepoRun:
    """Return a run that publishes rows as the train split of a config."""
    media = GivenMedia(mode, removed=mode == "none")
    return RepoRun(HubRepo(repo), [LoadedConfig(config, DatasetDict(train=rows))], media, state_dir=state_dir)

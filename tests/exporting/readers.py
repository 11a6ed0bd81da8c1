"""Exports read as trainers read them, from what their code does: tags are counted, limits become frame numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from tests.trainers.clock_rows import LEVELS

from video_sft import ExportReport


def rows_of(report: ExportReport) -> list[dict[str, Any]]:
    shards = sorted(path for path in report.files if path.endswith(".jsonl"))
    return [json.loads(line) for shard in shards for line in (report.out / shard).read_text().splitlines()]


def by_id(report: ExportReport) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows_of(report)}


def frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def shown(path: Path, start: float | None = None, stop: float | None = None) -> list[int]:
    """The seconds that the frames of a file show, those between limits as qwen-vl-utils counts them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        fps = float(stream.average_rate)
    first = 0 if start is None else math.ceil(max(0.0, min(start, len(frames) / fps)) * fps)
    last = len(frames) - 1 if stop is None else min(math.floor(min(stop, len(frames) / fps) * fps), len(frames) - 1)
    assert first < last, "the trainer refuses it"
    return [seconds_of(frame) for frame in frames[first : last + 1]]


def shown_in(images: Sequence[Path]) -> list[int]:
    return [seconds_of(np.asarray(Image.open(image).convert("L"))) for image in images]


def seconds_of(picture: np.ndarray) -> int:
    """The second a grey picture shows; gray from YUV is of limited range, from RGB of the full one."""
    return round(float(picture.mean()) / LEVELS)


def check_tags(content: Sequence[str], **media: Sequence[object]) -> None:
    """As many tags as media: LLaMA-Factory refuses other rows, ms-swift drops what is too much."""
    for kind in ("video", "image", "audio"):
        tags = sum(text.count(f"<{kind}>") for text in content)
        assert tags == len(media.get(f"{kind}s") or ()), (kind, content)

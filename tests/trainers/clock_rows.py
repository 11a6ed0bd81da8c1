"""Rows about videos whose pictures tell the second they show, so that what a trainer encoded can be read off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import datasets
import numpy as np
from PIL import Image

from video_sft import features

#: Grey levels from one second to the next; black is second 0.
LEVELS = 8
SIZE = 112
FPS = 10


def draw_clock(path: Path, seconds: int, *, late: float = 0.0, uneven: bool = False) -> Path:
    """Draw a video of which every frame is as bright as its second.

    Args:
        path: the file.
        seconds: how long it is, 31 at most.
        late: when the first frame is shown.
        uneven: show frames of the second half ten times as long as those of the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(seconds * FPS) / FPS
    if uneven:
        times = times[(times < seconds / 2) | (np.arange(len(times)) % 10 == 0)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"bf": "0"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for second in times.tolist():
            level = int(second) * LEVELS
            frame = av.VideoFrame.from_ndarray(np.full((SIZE, SIZE, 3), level, np.uint8), format="rgb24")
            frame.pts = round((second + late) * FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(role: str, text: str, media: str | None = None) -> dict[str, Any]:
    parts: list[dict[str, str | None]] = [{"type": "text", "text": text}]
    return {"role": role, "content": [{"type": media, "text": None}, *parts] if media else parts}


def clock_row(name: str, video: Path | str | None = None, **cells: Any) -> dict[str, Any]:
    """Return a row of the shared schema about a video, an image (`image=`) or nothing."""
    media = "video" if video is not None else "image" if "image" in cells else None
    row: dict[str, Any] = dict.fromkeys(features())
    row |= {
        "id": name,
        "source": "clock",
        "task": "vqa",
        "answer_format": "open_ended",
        "messages": [turn("user", f"What does {name} show?", media), turn("assistant", f"answer {name}")],
        "video": None if video is None else {"bytes": None, "path": str(video)},
        "choices": [],
        "evidence": [],
        "license": "MIT",
    }
    return row | cells


def as_dataset(rows: Sequence[dict[str, Any]]) -> datasets.Dataset:
    return datasets.Dataset.from_list(list(rows), features=features())


def clock_rows(folder: Path) -> datasets.Dataset:
    """Return rows of every kind: cut and whole, multi-turn, with a system turn, an image, text alone, tags in text."""
    long, short = draw_clock(folder / "long.mp4", 30), draw_clock(folder / "short.mp4", 6)
    uneven, late = draw_clock(folder / "uneven.mp4", 30, uneven=True), draw_clock(folder / "late.mp4", 12, late=5.0)
    picture = folder / "grey.png"
    Image.new("RGB", (SIZE, SIZE), (80, 80, 80)).save(picture)
    talk = [
        turn("system", "Answer in one word."),
        turn("user", "What is <video>, and <|video_pad|>?", "video"),
        turn("assistant", "A tag, like <image>."),
        turn("user", "And <audio>?"),
        turn("assistant", "Too."),
    ]
    return as_dataset(
        [
            clock_row("clock/image", image={"bytes": None, "path": str(picture)}),
            clock_row("clock/text"),
            clock_row("clock/whole", short),
            clock_row("clock/cut", long, start_seconds=20.0, stop_seconds=24.0),
            clock_row("clock/cut-again", long, start_seconds=20.0, stop_seconds=24.0),
            clock_row("clock/end", long, start_seconds=25.0),
            clock_row("clock/uneven", uneven, start_seconds=20.0, stop_seconds=24.0),
            clock_row("clock/late", late, start_seconds=9.0, stop_seconds=13.0),
            clock_row("clock/moment", long, start_seconds=3.01, stop_seconds=3.05),
            clock_row("clock/talk", short, messages=talk),
        ]
    )


#: Between which seconds the pictures of each row are, as they are drawn.
SHOWN = {
    "clock/whole": (0, 6),
    "clock/cut": (20, 24),
    "clock/cut-again": (20, 24),
    "clock/end": (25, 30),
    "clock/uneven": (20, 24),
    "clock/late": (4, 8),
    "clock/moment": (3, 4),
    "clock/talk": (0, 6),
}

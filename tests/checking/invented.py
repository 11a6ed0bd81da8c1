"""Annotation files and videos to check, invented in upstream's shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np


def star_row(number: int, **fields: Any) -> dict[str, Any]:
    """A row as STAR has it, about a video of its own."""
    row = {
        "question_id": f"Interaction_T1_{number}",
        "question": f"Which object was moved in scene {number}?",
        "video_id": f"VID{number:02d}",
        "start": 1.0,
        "end": 4.5,
        "answer": "The cup.",
        "question_program": [],
        "choices": [
            {"choice_id": place, "choice": text, "choice_program": []}
            for place, text in enumerate(["The cup.", "The book.", "The bag.", "The shoe."])
        ],
        "situations": {},
    }
    return {**row, **fields}


def webvid_row(number: int, **fields: Any) -> dict[str, Any]:
    """A row as VideoChat has it."""
    exchange = {"q": f"What is shown in clip {number}?", "a": f"A street with {number} cars."}
    return {"video": f"000001_000050/{number}.mp4", "QA": [exchange], **fields}


def write_json(place: Path, rows: Any) -> Path:
    """Write rows as upstream does, and return their folder."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(rows), encoding="utf-8")
    return place.parent


def draw_video(place: Path, seconds: float) -> None:
    """Write a grey clip of so many seconds, ten frames a second."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(round(seconds * 10)):
            grey = np.full((48, 64, 3), number % 200, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))

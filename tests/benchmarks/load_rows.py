"""Rows with lazily decoded videos attached, against the same rows with `datasets.Video(decode=False)`.

Writes a table of 37,523 questions on 5,440 videos in NExT-QA's shape, as many as its open-ended train split and its
archive have, with empty files for videos.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import datasets

import video_sft

ROWS, VIDEOS, ROUNDS = 37_523, 5_440, 5


def write_source(folder: Path) -> None:
    """Write the annotation file and the folder of videos."""
    (folder / "data" / "oe").mkdir(parents=True)
    lines = ["video,frame_count,width,height,question,answer,qid,type"]
    lines += [
        f"{2_900_000_000 + n % VIDEOS},900,640,480,what does person {n} do,jump,{n // VIDEOS},DO" for n in range(ROWS)
    ]
    (folder / "data" / "oe" / "train.csv").write_text("\n".join(lines) + "\n")
    for number in range(VIDEOS):
        place = folder / "videos" / f"{number % 150:04d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{2_900_000_000 + number}.mp4").touch()


def seconds(action: Any) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Print the times and the ratio."""
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_source(folder)
        options: Any = {"data_dir": folder / "data", "cache_dir": folder / "cache", "split": "train"}
        build = seconds(lambda: video_sft.load("next_qa-open_ended", **options))
        plain = statistics.median(
            seconds(lambda: video_sft.load("next_qa-open_ended", **options)) for _ in range(ROUNDS)
        )
        media = {"vidor": folder / "videos"}
        attached = statistics.median(
            seconds(lambda: video_sft.load("next_qa-open_ended", media=media, **options)) for _ in range(ROUNDS)
        )
        rows: Any = video_sft.load("next_qa-open_ended", media=media, **options)
        peer = rows.cast_column("video", datasets.Video(decode=False))
        pairs = [(seconds(lambda: list(rows)), seconds(lambda: list(peer))) for _ in range(ROUNDS)]
        ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(mine / other for mine, other in pairs)
    print(f"build {ROWS:,} rows                         {build:6.2f} s")
    print(f"load them again, no media                   {plain:6.2f} s")
    print(f"load them again, {VIDEOS:,} videos looked up     {attached:6.2f} s")
    print(f"iterate with lazy clips                     {ours:6.2f} s")
    print(f"iterate with datasets.Video(decode=False)   {theirs:6.2f} s")
    print(f"ratio, clips to decode=False (at most 1.10) {ratio:6.2f}")


if __name__ == "__main__":
    main()

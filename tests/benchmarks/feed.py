"""Samples a second that a `DataLoader` with two workers feeds: 8 frames, 224 x 224, of 480p H.264.

    python tests/benchmarks/feed.py
    python tests/benchmarks/feed.py --rows 128 --rounds 5

Peers are a `datasets.Video()` column, torchcodec's decoder in its approximate mode, and decord, each with what it does
best: frames by number, in one call, in the size that is wanted where it can. One that does not load is left out, with a
line that says so.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from torch.utils.data import DataLoader

sys.path.insert(0, str(Path(__file__).parent))

from _measure import show, take_turns
from _video_clips import clip

from video_sft.video import Video

FRAMES, SIDE, BATCH, WORKERS = 8, 224, 4, 2


def ours(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
    """Lazy clips."""
    frames = [row["video"].frames(count=FRAMES, size=(SIDE, SIDE), layout="NCHW").data for row in rows]
    return torch.from_numpy(np.stack(frames))


def resized(frames: torch.Tensor) -> torch.Tensor:
    """Return frames in the size wanted."""
    scaled = torch.nn.functional.interpolate(frames.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    return scaled.round_().to(torch.uint8)


def column(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
    """The decoder that a `datasets.Video()` column gives."""
    return torch.stack([resized(row["video"].get_frames_at(middles(len(row["video"]))).data) for row in rows])


def torchcodec(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
    """torchcodec by itself, on one thread: loaders have a process for each processor."""
    from torchcodec.decoders import VideoDecoder

    found = []
    for row in rows:
        decoder = VideoDecoder(row["video"]["path"], seek_mode="approximate", num_ffmpeg_threads=1)
        found.append(resized(decoder.get_frames_at(middles(len(decoder))).data))
    return torch.stack(found)


def decord(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
    """decord, on one thread."""
    from decord import VideoReader

    found = []
    for row in rows:
        reader = VideoReader(row["video"]["path"], width=SIDE, height=SIDE, num_threads=1)
        found.append(torch.from_numpy(reader.get_batch(middles(len(reader))).asnumpy()).permute(0, 3, 1, 2))
    return torch.stack(found)


def middles(count: int) -> list[int]:
    """Return the frame numbers in the middles of equal stretches, as clips have them."""
    return ((np.arange(FRAMES) + 0.5) * count / FRAMES).astype(int).tolist()


def works(name: str, rows: datasets.Dataset, collate: Callable[[Any], torch.Tensor]) -> bool:
    """Return whether a loader gives what is asked for; say why not where it does not load."""
    try:
        shape = tuple(collate([rows[0]]).shape)
    except Exception as missing:  # noqa: BLE001 - loaders of libraries raise whatever they like
        print(f"{name} is left out: {str(missing).splitlines()[0]}")
        return False
    assert shape == (1, FRAMES, 3, SIDE, SIDE), (name, shape)
    return True


def passes(rows: datasets.Dataset, collate: Callable[[Any], torch.Tensor]) -> Callable[[], object]:
    """Return what reads all rows once, by workers that stay."""
    loader: Any = DataLoader(
        rows,  # type: ignore[arg-type]
        batch_size=BATCH,
        num_workers=WORKERS,
        collate_fn=collate,
        persistent_workers=True,
    )
    return lambda: [None for _ in loader]


def main() -> list[Sequence[str]]:
    """Print and return the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = [shutil.copy(clip("h264 480p 30 s"), f"{folder}/{number}.mp4") for number in range(8)]
        table = datasets.Dataset.from_dict({"video": [paths[number % 8] for number in range(options.rows)]})
        paths_only = table.cast_column("video", datasets.Video(decode=False))
        peers: dict[str, tuple[datasets.Dataset, Callable[[Any], torch.Tensor]]] = {
            "video_sft": (table.cast_column("video", Video()), ours),
            "datasets.Video": (table.cast_column("video", datasets.Video()), column),
            "torchcodec": (paths_only, torchcodec),
            "decord": (paths_only, decord),
        }
        taken = take_turns({name: passes(*each) for name, each in peers.items() if works(name, *each)}, options.rounds)
    mine = taken["video_sft"].wall
    rows = [
        (name, f"{options.rows / each.wall:.1f} a second", f"{each.wall / mine:.2f}") for name, each in taken.items()
    ]
    return show("Samples fed by two workers", ("loader", "samples", "its time over ours"), rows)


if __name__ == "__main__":
    main()

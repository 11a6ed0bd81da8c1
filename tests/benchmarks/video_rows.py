"""From a row to its video, against `datasets.Video` as it comes: looking at rows, opening, frames, memory.

    python tests/benchmarks/video_rows.py
    python tests/benchmarks/video_rows.py --rows 37523 --rounds 7

Looking at rows compares with `datasets.Video(decode=False)`, opening with torchcodec's approximate mode, 8
frames with a `datasets.Video()` column with its defaults. Peers are left out, with a line that says so, where
torchcodec does not load.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _measure import show, take_turns
from _video_clips import clip

import video_sft
from video_sft.video import Clip, Video, with_fragment

try:
    from torchcodec.decoders import VideoDecoder
except Exception as missing:  # noqa: BLE001 - its loader raises whatever it likes
    VideoDecoder = None
    print(f"peers are left out, torchcodec does not load: {str(missing).splitlines()[0]}")

COLUMNS = ("what", "video_sft", "peer", "ratio")


def main() -> list[Sequence[str]]:
    """Print and return the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=37_523)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = [looking(options.rows, options.rounds), memory(), zipped(options.rounds)]
    if VideoDecoder is not None:
        rows += [
            opening(options.rounds),
            *(eight_frames(name, options.rounds) for name in ("h264 640x480 45 s", "h264 720p 180 s")),
        ]
    return show("From a row to its video", COLUMNS, rows)


def looking(count: int, rounds: int) -> Sequence[str]:
    """Iterate rows with their clips; nothing is opened."""
    turn = {"role": "user", "content": [{"type": "video", "text": None}, {"type": "text", "text": "why did she laugh"}]}
    empty = dict.fromkeys(video_sft.features())
    rows = [
        {
            **empty,
            "id": f"made/{n}",
            "messages": [turn],
            "video": {"bytes": None, "path": with_fragment(f"/videos/{n % 5440}.mp4", n % 60, n % 60 + 8.5)},
            "choices": [],
            "evidence": [],
        }
        for n in range(count)
    ]
    lazy = datasets.Dataset.from_list(rows, video_sft.features())
    stored = lazy.cast_column("video", datasets.Video(decode=False))

    def look(rows: datasets.Dataset) -> None:
        for row in rows:
            row["video"]

    taken = take_turns({"lazy": lambda: look(lazy), "stored": lambda: look(stored)}, rounds)
    lazy_time, stored_time = taken["lazy"].wall, taken["stored"].wall
    return f"looking at {count:,} rows", f"{lazy_time:.2f} s", f"{stored_time:.2f} s", f"{lazy_time / stored_time:.2f}"


def opening(rounds: int) -> Sequence[str]:
    """Open an MP4 for its metadata."""
    path = clip("h264 720p 180 s")

    def ours() -> object:
        return [Clip(path).metadata for _ in range(20)]

    def theirs() -> object:
        return [VideoDecoder(str(path), seek_mode="approximate").metadata for _ in range(20)]

    taken = take_turns({"ours": ours, "theirs": theirs}, rounds)
    mine, other = taken["ours"].wall * 50, taken["theirs"].wall * 50
    return "metadata of a 180 s 720p MP4", f"{mine:.2f} ms", f"{other:.2f} ms", f"{mine / other:.2f}"


def eight_frames(name: str, rounds: int) -> Sequence[str]:
    """From a row to 8 uniform frames."""
    path = str(clip(name))
    table = datasets.Dataset.from_dict({"video": [path]})
    lazy = table.cast_column("video", Video())
    standard = table.cast_column("video", datasets.Video())

    def ours() -> object:
        return lazy[0]["video"].frames(count=8, method="endpoints").data

    def theirs() -> object:
        decoder = standard[0]["video"]
        return decoder.get_frames_at(np.linspace(0, decoder.metadata.num_frames - 1, 8).astype(int).tolist()).data

    taken = take_turns({"ours": ours, "theirs": theirs}, rounds)
    mine, other = taken["ours"].wall * 1e3, taken["theirs"].wall * 1e3
    return f"row to 8 frames, {name}", f"{mine:.0f} ms", f"{other:.0f} ms", f"{other / mine:.2f} times as fast"


def zipped(rounds: int, members: int = 20_000) -> Sequence[str]:
    """Open one of many videos in a zip; the peer reads the zip's list of members each time, as `zipfile` does."""
    path = clip("h264 640x480 45 s")
    with tempfile.TemporaryDirectory() as folder:
        archive = f"{folder}/videos.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.write(path, "wanted.mp4")
            for number in range(members - 1):
                opened.writestr(f"all_test/v_{number:011d}.mp4", b"x")

        def listing() -> object:
            with zipfile.ZipFile(archive) as opened:
                return opened.getinfo("wanted.mp4"), Clip(str(path)).metadata

        taken = take_turns({"ours": lambda: Clip(f"zip://wanted.mp4::{archive}").metadata, "listing": listing}, rounds)
    mine, other = taken["ours"].wall * 1e3, taken["listing"].wall * 1e3
    return f"open one of {members:,} videos in a zip", f"{mine:.1f} ms", f"{other:.0f} ms", f"{mine / other:.3f}"


def memory() -> Sequence[str]:
    """Peak resident memory of 16 frames of 720p, above the result itself."""
    path = clip("h264 720p 180 s")
    Clip(clip("h264 640x480 45 s")).frames(count=2)
    before, most, done = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, resident())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    frames = Clip(path).frames(count=16)
    done.set()
    watcher.join()
    above = most - before - frames.data.nbytes
    return "peak memory of 16 frames, 720p", f"{above / 1e6:.0f} MB", f"array {frames.data.nbytes / 1e6:.0f} MB", ""


def resident() -> int:
    """Return the bytes this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    main()

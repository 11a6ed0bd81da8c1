"""Frames of a video: `Clip.frames` against torchcodec's best setting and a C program that does no more than it must.

    python tests/benchmarks/video_decode.py
    python tests/benchmarks/video_decode.py --rounds 9 --only h264

Peers take turns in one process; figures are medians. torchcodec (0.13 for CPU) is tried in both seek modes with one and
two threads, opening included, and the fastest counts; decoded frames are compared first. `wall` is our time over
torchcodec's, `cpu` the processor time of our one thread over that of torchcodec's fastest setting. The C program is
compiled with gcc against the system's libavcodec, where there is one; it decodes the same packets in one thread and
converts nothing. A peer that is not installed is left out with a line that says so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _measure import Taken, show, take_turns
from _video_clips import CLIPS, clip

from video_sft.video import Clip

try:
    from torchcodec.decoders import VideoDecoder
except Exception as missing:  # noqa: BLE001 - its loader raises whatever it likes
    VideoDecoder = None
    print(f"torchcodec is left out, it does not load: {str(missing).splitlines()[0]}")

COLUMNS = (
    "video",
    "frames",
    "1 thread",
    "2 threads",
    "torchcodec",
    "C program",
    "wall",
    "at most",
    "cpu",
    "cpu, both 1 thread",
    "1 thread / C",
)
#: What `wall` should be at most, by the beginning of the video's name, and for one frame of H.264 with B-frames.
GOALS = {"h264 480p, no B": 0.8, "h264": 0.6, "hevc": 0.65, "vp9": 0.9, "av1": 0.9, "mpeg4": 1.05}
ONE_FRAME = 0.85


def ours(path: Path, numbers: list[int], threads: int) -> Callable[[], object]:
    return lambda: Clip(path).frames(indices=numbers, num_threads=threads)


def torchcodec(path: Path, numbers: list[int], threads: int, mode: str) -> Callable[[], object]:
    def run() -> object:
        decoder = VideoDecoder(str(path), num_ffmpeg_threads=threads, seek_mode=mode, dimension_order="NHWC")
        return decoder.get_frames_at(numbers).data

    return run


class MinimalDecode:
    """The C program, compiled once."""

    def __init__(self) -> None:
        self._program: Path | None = None
        compiler = shutil.which("gcc")
        folder = Path(tempfile.mkdtemp(prefix="video-sft-c-"))
        source = Path(__file__).with_name("_minimal_decode.c")
        command = [str(compiler), "-O2", "-o", str(folder / "minimal"), str(source), "-lavcodec", "-lavutil"]
        if compiler and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            self._program = folder / "minimal"
        else:
            print("the C program is left out: it needs gcc, libavcodec-dev and libavutil-dev")
        self._folder = folder

    def prepared(self, path: Path, numbers: list[int]) -> Callable[[], float | None]:
        """Return what runs it for the packets these frames need, and gives its wall time in seconds, or None."""
        from video_sft.video._reading.frame_decoding import plan

        track = Clip(path)._file.track()
        if self._program is None or track.table is None or track.access != "stored":
            return lambda: None
        lines = []
        for group in plan(track.table, np.array(numbers)):
            for row in range(group.entry, group.wanted[-1] + 1):
                lines.append(f"{track.table.position[row]} {track.table.size[row]} {int(row in group.wanted)}")
            lines.append("end")
        extradata = self._folder / "extradata"
        extradata.write_bytes(track.header.extradata)
        command = [str(self._program), str(path), str(extradata), track.header.decoder]

        def run() -> float | None:
            done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
            return None if done.returncode else float(done.stdout.split()[0]) / 1e3

        return run


def measure(name: str, count: int, rounds: int, minimal: MinimalDecode) -> Sequence[str]:
    """Return one row of the table."""
    path = clip(name)
    total = Clip(path).metadata.num_frames
    numbers = [total // 3] if count == 1 else np.linspace(0, total - 1, count).astype(int).tolist()
    contestants = {"1": ours(path, numbers, 1), "2": ours(path, numbers, 2)}
    peers = []
    if VideoDecoder is not None:
        mine = Clip(path).frames(indices=numbers).data
        theirs = VideoDecoder(str(path), dimension_order="NHWC").get_frames_at(numbers).data.numpy()
        if not np.array_equal(mine, theirs):
            print(f"{name}: torchcodec's frames differ by {np.abs(mine.astype(int) - theirs).mean():.2f} on average")
        peers = [f"{mode} {threads}" for mode in ("exact", "approximate") for threads in (1, 2)]
        contestants |= {peer: torchcodec(path, numbers, int(peer.split()[1]), peer.split()[0]) for peer in peers}
    limits: list[float] = []
    run_minimal = minimal.prepared(path, numbers)

    def in_c() -> None:
        limits.extend(filter(None, [run_minimal()]))

    taken = take_turns(contestants | {"C": in_c}, rounds)
    limit = float(np.median(limits[1:])) if limits else None
    one, two = taken["1"], taken["2"]
    ratios = ["-", "-", "-"]
    best = min((taken[peer] for peer in peers), key=lambda peer: peer.wall, default=None)
    if best is not None:
        alone = min(taken[peer].cpu for peer in peers if peer.endswith("1"))
        ratios = [f"{x:.2f}" for x in (min(one.wall, two.wall) / best.wall, one.cpu / best.cpu, one.cpu / alone)]
    goal = next(most for kind, most in GOALS.items() if name.startswith(kind))
    if count == 1:
        goal = max(goal, ONE_FRAME) if name.startswith("h264") else goal
    return (
        name,
        str(count),
        words(one),
        words(two),
        words(best) if best else "-",
        f"{limit * 1e3:.0f}" if limit else "-",
        ratios[0],
        f"{goal:.2f}",
        *ratios[1:],
        f"{one.wall / limit:.2f}" if limit else "-",
    )


def words(taken: Taken) -> str:
    return f"{taken.wall * 1e3:.0f} ({taken.cpu * 1e3:.0f})"


def main() -> list[Sequence[str]]:
    """Print and return the table: milliseconds by the clock, processor milliseconds in brackets, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="videos whose name has this in it")
    parser.add_argument("--counts", default="1,8,16,32", help="how many frames")
    options = parser.parse_args()
    minimal = MinimalDecode()
    rows = [
        measure(name, int(count), options.rounds, minimal)
        for name in CLIPS
        if options.only in name
        for count in options.counts.split(",")
    ]
    return show("Frames of local videos, milliseconds (processor milliseconds)", COLUMNS, rows)


if __name__ == "__main__":
    main()

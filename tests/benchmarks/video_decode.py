"""Frames of a video: `Clip.frames` against torchcodec's best setting and a C program that does no more than it must.

    python tests/benchmarks/video_decode.py
    python tests/benchmarks/video_decode.py --rounds 9 --only h264

Peers take turns in one process; figures are medians. torchcodec (0.13 for CPU) is tried in both seek modes with one and
two threads, opening included, and the fastest counts; decoded frames are compared first. The C program is compiled with
gcc against the system's libavcodec, where there is one; it decodes the same packets in one thread and converts nothing.
A peer that is not installed is left out with a line that says so.
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
    "wall / tc",
    "cpu / tc",
    "1 thread / C",
)


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

    def milliseconds(self, path: Path, numbers: list[int], rounds: int) -> float | None:
        """Return its median wall time for the packets these frames need, or None where it cannot run."""
        from video_sft.video.reader import plan

        track = Clip(path)._file.track()
        if self._program is None or track.table is None or track.access != "stored":
            return None
        lines = []
        for group in plan(track.table, np.array(numbers)):
            for row in range(group.entry, group.wanted[-1] + 1):
                lines.append(f"{track.table.position[row]} {track.table.size[row]} {int(row in group.wanted)}")
            lines.append("end")
        extradata = self._folder / "extradata"
        extradata.write_bytes(track.header.extradata)
        taken = []
        for _ in range(rounds + 1):
            done = subprocess.run(
                [str(self._program), str(path), str(extradata), track.header.decoder],
                input="\n".join(lines) + "\n",
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                return None
            taken.append(float(done.stdout.split()[0]))
        return float(np.median(taken[1:]))


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
    taken = take_turns(contestants, rounds)
    limit = minimal.milliseconds(path, numbers, rounds)
    best = min((taken[peer] for peer in peers), key=lambda peer: peer.wall, default=None)
    least = min((taken[peer].cpu for peer in peers), default=None)
    one, two = taken["1"], taken["2"]
    return (
        name,
        str(count),
        words(one),
        words(two),
        words(best) if best else "-",
        f"{limit:.0f}" if limit else "-",
        f"{min(one.wall, two.wall) / best.wall:.2f}" if best else "-",
        f"{one.cpu / least:.2f}" if least else "-",
        f"{one.wall * 1e3 / limit:.2f}" if limit else "-",
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

"""What preparing videos costs, and what it gives: steps, engines, and samples fed from the results.

    python tests/benchmarks/prepare.py
    python tests/benchmarks/prepare.py --videos 400 --rounds 5

The engines' own cost is the time of a job over that of the same steps called one after the other by one process; one
worker each, so that it is no matter of processors. Workers are started before. Ray is left out where it is not
installed.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import datasets
import feed
from _measure import show, take_turns
from _video_clips import clip

from video_sft import prepare
from video_sft._engines.engine import Engine, run
from video_sft._engines.local import LocalEngine
from video_sft._engines.ray_cluster import RayEngine
from video_sft.preparing import frames, health, location_in, probe, read_manifest, transcode, trim
from video_sft.preparing._settings import Settings
from video_sft.preparing._task import Stretch, Wanted, prepare_video
from video_sft.video import Video
from video_sft.video._bytes.media_bytes import MediaBytes

CLIP = "h264 480p 30 s"


def steps(folder: Path) -> list[Sequence[str]]:
    """Processor time of each step of one video."""
    original = clip(CLIP)
    named: dict[str, Callable[[], object]] = {
        "probe": lambda: probe(original),
        "health": lambda: health(original),
        "trim, 10 s from the middle": lambda: trim(original, folder / "a.mp4", start=11.1, stop=21.1),
        "trim, from a key frame": lambda: trim(original, folder / "a.mp4", start=0.0, stop=10.0),
        "trim, copy": lambda: trim(original, folder / "a.mp4", start=11.1, stop=21.1, copy=True),
        "transcode": lambda: transcode(original, folder / "a.mp4"),
        "frames, 2 a second": lambda: frames(original, folder / "a.zip"),
    }
    taken = take_turns(named, 1)
    told = [(name, f"{each.cpu:.3f} s", f"{each.cpu / 30 * 3600:.0f} s") for name, each in taken.items()]
    return show(f"Processor time of a step, {CLIP}", ("step", "a video", "an hour of video"), told)


def wanted(folder: Path, count: int) -> list[Wanted]:
    """Return many videos that take little: what an engine costs shows."""
    found = []
    for number in range(count):
        path = folder / f"{number}.mp4"
        os.link(clip(CLIP), path) if not path.exists() else None
        found.append(Wanted(f"a/{number}", None, MediaBytes(str(path)), str(path), str(number), (Stretch(),)))
    return found


def engines(folder: Path, count: int, rounds: int) -> list[Sequence[str]]:
    """Time of a job by each engine over bare calls of its steps."""
    rows = []
    for what, settings, number in (
        ("probe", Settings(str(folder / "out"), ("probe",)), count),
        ("transcode", Settings(str(folder / "out"), ("transcode",)), 6),
    ):
        videos = wanted(folder, number)
        work = functools.partial(prepare_video, settings)
        made: dict[str, Engine] = {"local": LocalEngine(work, num_workers=1, seconds=600)}
        if ray is not None:
            made["ray"] = RayEngine(work, address="auto", seconds=600)
        jobs: dict[str, Callable[[], object]] = {"bare calls": lambda: [work(each) for each in videos]}  # noqa: B023
        for name, engine in made.items():
            jobs[name] = lambda engine=engine: list(run(videos, engine, cost=lambda each: 1))  # type: ignore[misc]  # noqa: B023
        taken = take_turns(jobs, rounds)
        for engine in made.values():
            engine.close()
        bare = taken["bare calls"].wall
        for name, each in taken.items():
            more = f"{(each.wall - bare) / number * 1e3:+.2f} ms"
            rows.append((what, name, f"{each.wall / number * 1e3:.2f} ms", more, f"{each.wall / bare:.2f}"))
    return show("A video by each engine", ("step", "engine", "a video", "more than bare", "over bare"), rows)


def fed(folder: Path, count: int, rounds: int) -> list[Sequence[str]]:
    """Samples a second from prepared media, against the best peers from originals."""
    paths = [shutil.copy(clip(CLIP), f"{folder}/fed-{number}.mp4") for number in range(8)]
    originals = datasets.Dataset.from_dict({"video": [paths[number % 8] for number in range(count)]})
    began = time.perf_counter()
    report = prepare([{"video": path, "video_id": path} for path in paths], out=folder / "root", progress=False)
    took = time.perf_counter() - began
    root = report.root
    places = {row["video_id"]: location_in(root, row["location"]) for row in read_manifest(root).to_pylist()}
    small = originals.map(lambda row: {"video": places[row["video"]]}, load_from_cache_file=False)
    both = {"originals": originals, "prepared": small}
    contestants: dict[str, tuple[datasets.Dataset, Callable[[Any], Any]]] = {}
    for media, rows in both.items():
        plain = rows.cast_column("video", datasets.Video(decode=False))
        contestants |= {
            f"video_sft, {media}": (rows.cast_column("video", Video()), feed.ours),
            f"torchcodec, {media}": (plain, feed.torchcodec),
            f"decord, {media}": (plain, feed.decord),
        }
    contestants["datasets.Video, originals"] = (originals.cast_column("video", datasets.Video()), feed.column)
    taken = take_turns(
        {name: feed.passes(*each) for name, each in contestants.items() if feed.works(name, *each)}, rounds
    )
    peers = [each.wall for name, each in taken.items() if "originals" in name and not name.startswith("video_sft")]
    best = min(peers, default=taken["video_sft, originals"].wall)
    rows_told = [(name, f"{count / each.wall:.1f} a second", f"{best / each.wall:.1f}") for name, each in taken.items()]
    each_took = f"{took:.1f} s to prepare, {report.cpu_seconds / 8:.2f} s of processor each"
    title = f"Samples fed by two workers; 8 videos took {each_took}"
    return show(title, ("loader", "samples", "times the best peer from originals"), rows_told)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if ray is not None:
        ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory(dir=clip(CLIP).parent) as place:
        folder = Path(place)
        steps(folder)
        engines(folder, options.videos, options.rounds)
        if ray is not None:
            ray.shutdown()
        fed(folder, options.rows, options.rounds)


try:
    import ray
except ImportError:
    print("ray is left out: it is not installed")
    ray = None  # type: ignore[assignment]

if __name__ == "__main__":
    main()

"""The health of a whole folder of videos: every file decoded, in parallel, resumable."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from video_sft._datasets import tqdm
from video_sft._files import writing_whole
from video_sft.errors import MissingMediaError
from video_sft.video._reading.health import what_is_wrong

__all__ = ["BadVideo", "DeepReport", "deep_check"]

#: Endings taken for videos, in any case of letters.
_ENDINGS = frozenset(
    [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".gif", ".wmv", ".ogv", ".3gp"]
)


@dataclass(frozen=True)
class BadVideo:
    """A file that is not whole: its path in the folder, and what is wrong with it."""

    path: str
    reason: str


@dataclass(frozen=True)
class DeepReport:
    """What a scan found.

    Attributes:
        checked: files that were decoded now.
        resumed: files an earlier run had decoded already, unchanged since.
        bad: the files that are not whole, by path, of both runs.
    """

    checked: int
    resumed: int
    bad: tuple[BadVideo, ...]


def deep_check(
    folder: str | Path,
    *,
    journal: str | Path,
    bad_list: str | Path,
    num_workers: int | None = None,
    seconds_per_file: float = 900,
    progress: bool = True,
) -> DeepReport:
    """Decode every video of a folder, and list those that are not whole.

    Workers are processes, so that a file that brings the decoder down takes only its worker with it, and is listed.

    Args:
        folder: searched with all folders inside.
        journal: a JSON-lines file that every finished file is written to; a later run skips files that are in it with
            the same size and time of change. Delete it to begin anew.
        bad_list: written at the end: one line for each bad file, its path and the reason with a tab between.
        num_workers: processes; None is one for each processor.
        seconds_per_file: after so long a file is given up as bad.
        progress: show a bar on the terminal.

    Raises:
        MissingMediaError: there is no such folder, or no video in it.
    """
    root = Path(folder)
    videos = {path: _state_of(root / path) for path in _videos(root)}
    if not videos:
        raise MissingMediaError(f"{folder}: there is no video in this folder; --media takes the folder of a pool")
    known = _read_journal(Path(journal), videos)
    left = [path for path in videos if path not in known]
    broken = sum(reason is not None for reason in known.values())
    shown = {"desc": "decoding", "unit": " videos", "disable": not progress, "initial": len(known)}
    with tqdm(total=len(videos), **shown) as bar, open(journal, "a", encoding="utf-8") as lines:

        def record(path: str, reason: str | None) -> None:
            known[path] = reason
            size, changed = videos[path]
            lines.write(json.dumps({"path": path, "size": size, "mtime_ns": changed, "reason": reason}) + "\n")
            lines.flush()
            nonlocal broken
            broken += reason is not None
            bar.set_postfix(bad=broken, refresh=False)
            bar.update()

        _decode_all(root, left, num_workers or os.cpu_count() or 1, seconds_per_file, record)
    bad = tuple(BadVideo(path, reason) for path, reason in sorted(known.items()) if reason is not None)
    with writing_whole(bad_list) as unfinished:
        unfinished.write_text("".join(f"{video.path}\t{video.reason}\n" for video in bad), encoding="utf-8")
    return DeepReport(len(left), len(videos) - len(left), bad)


def _videos(root: Path) -> Iterator[str]:
    """Yield the paths of all videos, relative, in order; links to folders are not followed."""
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in _ENDINGS:
                yield os.path.relpath(os.path.join(place, name), root)


def _state_of(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # a link that leads nowhere: opening it will say so
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _read_journal(journal: Path, videos: Mapping[str, tuple[int, int]]) -> dict[str, str | None]:
    """Return what an earlier run found out about files that are still the same.

    A line that a crash cut short is ended, and left out.
    """
    known: dict[str, str | None] = {}
    if not journal.is_file():
        return known
    with journal.open("r+", encoding="utf-8", errors="replace") as lines:
        line = "\n"
        for line in lines:
            try:
                entry = json.loads(line)
                if videos.get(entry["path"]) == (entry["size"], entry["mtime_ns"]):
                    known[entry["path"]] = entry["reason"]
            except (ValueError, KeyError, TypeError):
                continue
        if not line.endswith("\n"):
            lines.write("\n")
    return known


def _decode_all(
    root: Path, paths: list[str], workers: int, seconds: float, record: Callable[[str, str | None], None]
) -> None:
    """Decode files in a pool of processes; when a file brings the pool down, find out which and go on without it."""
    suspects: list[str] = []
    while paths or suspects:
        alone = bool(suspects)
        batch, (paths, suspects) = (suspects[:1], (paths, suspects[1:])) if alone else (paths, ([], []))
        finished: set[str] = set()

        def finish(path: str, reason: str | None, finished: set[str] = finished) -> None:
            finished.add(path)
            record(path, reason)

        try:
            _in_pool(root, batch, 1 if alone else workers, seconds, finish)
        except BrokenProcessPool as broken:
            if alone:
                record(batch[0], "the decoder crashes on it")
                continue
            running = broken.args[-1] if isinstance(broken.args[-1], list) else []
            suspects = [path for path in running if path not in finished]
            paths = [path for path in batch if path not in finished and path not in suspects]


def _in_pool(
    root: Path, paths: Iterable[str], workers: int, seconds: float, finish: Callable[[str, str | None], None]
) -> None:
    queue = iter(paths)
    running: dict[Future[str | None], str] = {}
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        while True:
            for path in queue:
                running[pool.submit(_decode, str(root / path), seconds)] = path
                if len(running) >= 2 * workers:
                    break
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for job in done:
                try:
                    reason = job.result()
                except BrokenProcessPool as broken:
                    raise BrokenProcessPool("a worker died", list(running.values())) from broken
                finish(running.pop(job), reason)


def _decode(path: str, seconds: float) -> str | None:
    """Decode one file in a worker, within a time limit where the system has alarms."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return what_is_wrong(path)
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return what_is_wrong(path)
    except _OutOfTime:
        return f"not decoded within {seconds:g} seconds"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class _OutOfTime(BaseException):  # not an Exception: nothing on the way may take it for a broken file
    """The time limit of a file is over."""


def _give_up(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime

"""Every kind of video, from every place, by every sampling: the frames and times are those of a plain full decode.

The frame numbers expected are worked out here, from the times of the full decode and the definitions in the README.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.local_hub import LocalHub
from tests.video.made_videos import fully
from tests.video.test_exactness import GUESSED_TIMES, KINDS
from tests.video.video_server import VideoServer

from video_sft.video import Clip, Frames

Numbers = np.ndarray[Any, np.dtype[np.int64]]
#: Gives what `Clip` takes for a local file.
Place = Callable[[Path], object]

PLACES = ("path", "bytes", "http", "hub")
#: Samples in a second, as parts of the video's length: the last frame's own length never decides how many there are.
RATE, FAST_RATE = 4.25, 7.1


@pytest.fixture(scope="module")
def places(videos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """One server and one repo, which hold all kinds."""
    with VideoServer(videos["plain"].parent) as server, LocalHub(tmp_path_factory.mktemp("hub")) as hub, hub.attached():
        hub.add_repo("org/films", {f"videos/{path.name}": path for path in videos.values()})
        yield {
            "path": lambda path: path,
            "bytes": lambda path: path.read_bytes(),
            "http": lambda path: server.url(path.name),
            "hub": lambda path: f"hf://datasets/org/films/videos/{path.name}",
        }


def midpoints(begin: int, end: int, count: int) -> list[int]:
    """The frame in the middle of each of `count` equal segments."""
    return [begin + (2 * number + 1) * (end - begin) // (2 * count) for number in range(count)]


def endpoints(begin: int, end: int, count: int) -> list[int]:
    """`count` frames evenly from the first to the last, cut to whole numbers."""
    return [begin + int(offset) for offset in np.linspace(0, end - begin - 1, count)]


def shown(times: np.ndarray, moment: float) -> int:
    """The last frame that begins at or before a moment."""
    return max(number for number, time in enumerate(times) if number == 0 or time <= moment + 1e-6)


def at_rate(times: np.ndarray, start: float, stop: float, rate: float, most: int | None = None) -> list[int]:
    """The frames shown at start, start + 1 / rate and so on before stop; at most so many, spread evenly."""
    steps = [float(number) for number in range(1000) if start + number / rate < stop - 1e-6]
    if most is not None and len(steps) > most:
        steps = np.linspace(0, steps[-1], most).tolist()
    return [shown(times, start + step / rate) for step in steps]


def check(frames: Frames, kind: str, path: Path, numbers: list[int], why: str) -> None:
    """Compare with the full decode."""
    pictures, times = fully(path)
    assert frames.indices.tolist() == numbers, why
    assert np.array_equal(frames.data, pictures[numbers]), why
    if kind not in GUESSED_TIMES:
        assert np.allclose(frames.pts_seconds, times[numbers], rtol=0, atol=1e-9), why
        lengths = np.append(np.diff(times), np.nan)[numbers]
        known = ~np.isnan(lengths)
        assert np.allclose(frames.duration_seconds[known], lengths[known], rtol=0, atol=1e-9), why


def check_random(clip: Clip, kind: str, path: Path, begin: int, end: int, why: str) -> None:
    """One frame from each segment, the same with the same seed."""
    drawn = clip.frames(count=4, method="random", seed=11)
    segments = [(int(number) - begin) * 4 / (end - begin) for number in drawn.indices]
    assert all(number - 4 / (end - begin) < segment < number + 1 for number, segment in enumerate(segments)), why
    assert (
        drawn.indices.tolist()
        == Clip(path, clip.start_seconds, clip.stop_seconds).frames(count=4, method="random", seed=11).indices.tolist()
    ), why
    check(drawn, kind, path, drawn.indices.tolist(), why)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_whole_videos(videos: dict[str, Path], places: dict[str, Place], kind: str, place: str) -> None:
    path = videos[kind]
    pictures, times = fully(path)
    total = len(pictures)
    clip = Clip(places[place](path))
    scattered = [total - 1, 0, total // 2, total // 3, total // 2]
    for choice, numbers in (
        ({"count": 5}, midpoints(0, total, 5)),
        ({"count": 5, "method": "endpoints"}, endpoints(0, total, 5)),
        ({"indices": scattered}, scattered),
        ({"indices": [-1, -total]}, [total - 1, 0]),
    ):
        check(clip.frames(**choice), kind, path, numbers, f"{kind} from {place}: {choice}")
    check_random(clip, kind, path, 0, total, f"{kind} from {place}: random")
    if kind in GUESSED_TIMES:
        check_numbers_of_guessed_times(clip, path, total)
        return
    begin, length = times[0], times[-1] - times[0]
    rate, fast = RATE / length, FAST_RATE / length
    moments = [float(times[2]), float(begin + 0.61 * length), float(times[-1]), float(begin), float(times[-2])]
    for choice, numbers in (
        ({"fps": rate}, at_rate(times, begin, times[-1], rate)),
        ({"fps": fast, "max_frames": 5}, at_rate(times, begin, times[-1], fast, 5)),
        ({"times": moments}, [shown(times, moment) for moment in moments]),
    ):
        check(clip.frames(**choice), kind, path, numbers, f"{kind} from {place}: {choice}")


def check_numbers_of_guessed_times(clip: Clip, path: Path, total: int) -> None:
    """Where times are a guess, each picture is at least the one its number says."""
    facts = clip.metadata
    middle = facts.begin_seconds + facts.duration_seconds / 2
    for choice in ({"fps": 2.0}, {"fps": 20.0, "max_frames": 4}, {"times": [middle, facts.begin_seconds]}):
        frames = clip.frames(**choice)
        assert np.array_equal(frames.data, fully(path)[0][frames.indices]), choice
        assert (np.diff(clip.frames(fps=2.0).indices) >= 0).all()
        assert frames.indices.max() < total


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["plain", "open_gop", "variable_rate", "late_start", "mkv", "ts", "fragmented", "gif"])
def test_parts(videos: dict[str, Path], places: dict[str, Place], kind: str, place: str) -> None:
    path = videos[kind]
    _, times = fully(path)
    begin, length = times[0], times[-1] - times[0]
    whole = Clip(places[place](path))
    middle = float(times[len(times) // 3])
    for start, stop in ((begin + 0.205 * length, begin + 0.713 * length), (middle, float(times[2 * len(times) // 3]))):
        clip = whole.clip(float(start), float(stop))
        first = shown(times, start)
        end = int((times < stop - 1e-6).sum())
        rate, fast = RATE / (stop - start), FAST_RATE / (stop - start)
        scattered = [end - 1, first, (first + end) // 2]
        moments = [float(start), float(start + 0.4 * (stop - start)), float(times[end - 1])]
        for choice, numbers in (
            ({}, list(range(first, end))),
            ({"count": 3}, midpoints(first, end, 3)),
            ({"count": 3, "method": "endpoints"}, endpoints(first, end, 3)),
            ({"fps": rate}, at_rate(times, start, stop, rate)),
            ({"fps": fast, "max_frames": 3}, at_rate(times, start, stop, fast, 3)),
            ({"times": moments}, [shown(times, moment) for moment in moments]),
            ({"indices": scattered}, scattered),
        ):
            check(clip.frames(**choice), kind, path, numbers, f"{kind} from {place}, {start} to {stop}: {choice}")
        check_random(clip, kind, path, first, end, f"{kind} from {place}, {start} to {stop}: random")
        for outside in (first - 1, end):
            with pytest.raises(IndexError, match="not in the clip"):
                clip.frames(indices=[outside])

"""The choice of frames, and their sizes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from video_sft.errors import VideoError
from video_sft.video import Clip, PixelBudget
from video_sft.video._decoding.sizing import output_size
from video_sft.video._sampling import Choice
from video_sft.video._timeline import Timeline

#: 100 frames, 25 a second.
LINE = Timeline(np.arange(100, dtype=np.int64) * 512, 100 * 512, Fraction(1, 12800))


def numbers(
    begin: int = 0, end: int = 100, *, start: float | None = None, stop: float | None = None, **choice: object
) -> list[int]:
    return Choice(**choice).numbers(LINE, begin, end, start, stop).tolist()  # type: ignore[arg-type]


def test_midpoints_are_those_of_tsn() -> None:
    assert numbers(count=4) == [12, 37, 62, 87]
    assert numbers(10, 20, count=2) == [12, 17]


def test_endpoints_are_those_of_linspace() -> None:
    for count in (1, 2, 7, 8, 16, 100):
        assert numbers(count=count, method="endpoints") == np.linspace(0, 99, count).astype(int).tolist()


def test_random_draws_one_frame_from_each_segment_and_repeats_with_its_seed() -> None:
    drawn = numbers(count=8, method="random", seed=3)
    assert drawn == numbers(count=8, method="random", seed=3)
    assert drawn != numbers(count=8, method="random", seed=4)
    assert [number * 8 // 100 for number in drawn] == list(range(8))


def test_more_frames_than_there_are_repeat_some() -> None:
    assert numbers(10, 12, count=5) == [10, 10, 11, 11, 11]
    assert numbers(10, 11, count=3, method="random") == [10, 10, 10]


def test_rate_starts_with_the_clip_and_stops_before_its_end() -> None:
    assert numbers(fps=1) == [0, 25, 50, 75]
    assert numbers(25, 75, start=1.0, stop=3.0, fps=2) == [25, 37, 50, 62]
    assert numbers(fps=50)[:4] == [0, 0, 1, 1]


def test_rate_with_a_maximum_spreads_the_frames_evenly() -> None:
    assert numbers(fps=25, max_frames=4) == [0, 33, 66, 99]
    assert numbers(fps=1, max_frames=10) == [0, 25, 50, 75]


def test_a_time_selects_the_frame_shown_then_and_finds_its_own_frame_again() -> None:
    assert numbers(times=[0, 0.039, 0.04, 0.0799, 3.99, 4.0]) == [0, 0, 1, 1, 99, 99]
    assert numbers(times=LINE.seconds().tolist()) == list(range(100))
    assert numbers(times=[sum([0.1] * 10)]) == [25]


def test_negative_numbers_count_from_the_end_of_the_file() -> None:
    assert numbers(indices=[-1, 0, -100]) == [99, 0, 0]


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ({"count": 0}, ValueError),
        ({"count": 4, "fps": 1}, ValueError),
        ({"count": 4, "method": "uniform"}, ValueError),
        ({"count": 4, "max_frames": 2}, ValueError),
        ({"fps": 0}, ValueError),
        ({"fps": float("nan")}, ValueError),
        ({"fps": 1, "max_frames": 0}, ValueError),
        ({"times": []}, ValueError),
        ({"times": [4.1]}, ValueError),
        ({"times": [-0.1]}, ValueError),
        ({"times": [float("nan")]}, ValueError),
        ({"indices": [100]}, IndexError),
        ({"indices": [-101]}, IndexError),
        ({"indices": [1.5]}, ValueError),
        ({"indices": []}, ValueError),
    ],
)
def test_impossible_choices_are_refused(choice: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        numbers(**choice)  # type: ignore[arg-type]


def test_frames_outside_the_clip_are_refused() -> None:
    with pytest.raises(IndexError, match="frames 25 to 49"):
        numbers(25, 50, indices=[24])
    with pytest.raises(ValueError, match="outside the clip"):
        numbers(25, 50, start=1.0, stop=2.0, times=[2.5])


def test_a_clip_is_half_open() -> None:
    assert LINE.range_of(None, None) == (0, 100)
    assert LINE.range_of(1.0, 2.0) == (25, 50)
    assert LINE.range_of(1.01, 2.01) == (25, 51)
    assert LINE.range_of(3.0, 99.0) == (75, 100)
    assert LINE.range_of(1.0, 1.001) == (25, 26)


@pytest.mark.parametrize(("start", "stop"), [(4.0, None), (9.0, 12.0), (2.0, 2.0), (3.0, 2.0)])
def test_a_clip_without_any_time_is_refused(start: float, stop: float | None) -> None:
    with pytest.raises(ValueError, match=r"ends at|no time at all"):
        LINE.range_of(start, stop)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, (480, 854)),
        (240, (240, 427)),
        ((100, 50), (100, 50)),
        (PixelBudget(28 * 28 * 100), (196, 364)),
        (PixelBudget(10**9, min_pixels=10**6), (756, 1344)),
        (PixelBudget(10**6, multiple_of=32), (480, 864)),
        (PixelBudget(784), (28, 28)),
    ],
)
def test_sizes(size: object, expected: tuple[int, int]) -> None:
    assert output_size(size, 480, 854) == expected  # type: ignore[arg-type]


def test_shortest_side_of_an_upright_video() -> None:
    assert output_size(240, 854, 480) == (427, 240)


def test_a_pixel_budget_is_kept_for_any_shape() -> None:
    for height, width in [(1, 5000), (37, 41), (2160, 3840), (720, 1280)]:
        rows, columns = PixelBudget(50_000, min_pixels=10_000).fit(height, width)
        assert rows % 28 == columns % 28 == 0
        assert rows * columns <= 50_000 or 28 in (rows, columns)


@pytest.mark.parametrize("size", [0, -1, (10,), (10, 0), (1, 2, 3), "big", 1.5, True])
def test_impossible_sizes_are_refused(plain: Path, size: object) -> None:
    with pytest.raises(ValueError, match="size"):
        Clip(plain).frames(count=1, size=size)  # type: ignore[arg-type]


def test_layouts_and_dtypes(plain: Path, reference: tuple[np.ndarray, np.ndarray]) -> None:
    frames = reference[0][[3, 20]]
    clip = Clip(plain)
    assert np.array_equal(clip.frames(indices=[3, 20], layout="NCHW").data, frames.transpose(0, 3, 1, 2))
    floats = clip.frames(indices=[3, 20], dtype="float32").data
    assert floats.dtype == np.float32
    assert np.allclose(floats, frames / 255, atol=1e-6)
    assert clip.frames(indices=[3], dtype="float16", layout="NCHW", size=(14, 28)).data.shape == (1, 3, 14, 28)
    with pytest.raises(ValueError, match="layout"):
        clip.frames(count=1, layout="HWC")  # type: ignore[arg-type]


def test_resized_rotated_frames_are_resized_then_turned(videos: dict[str, Path]) -> None:
    frames = Clip(videos["rotated_90"]).frames(count=2, size=(48, 32))
    assert frames.data.shape == (2, 48, 32, 3)
    with av.open(str(videos["rotated_90"])) as container:
        expected = [
            np.rot90(frame.to_ndarray(format="rgb24", width=48, height=32)) for frame in container.decode(video=0)
        ]
    assert np.array_equal(frames.data, np.stack(expected)[frames.indices])


def test_absurdly_large_results_are_refused_before_memory_is_touched(plain: Path) -> None:
    with pytest.raises(VideoError, match="GiB"):
        Clip(plain).frames(count=10_000, size=(8000, 8000))
    with pytest.raises(VideoError, match="limit"):
        Clip(plain).frames(count=1, size=(80_000, 80_000))

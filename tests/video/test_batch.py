"""Frames of many clips at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import datasets
import numpy as np
import pytest

from video_sft.errors import VideoError
from video_sft.video import Clip, Video, read_frames


def test_rows_batches_datasets_and_clips(plain: Path) -> None:
    expected = Clip(plain).frames(count=3, size=32).data
    dataset = datasets.Dataset.from_dict({"video": [str(plain)] * 3}).cast_column("video", Video())
    for rows in (
        list(dataset),
        dataset,
        dataset[:],
        [Clip(plain)] * 3,
        [str(plain)] * 3,
        dataset.to_iterable_dataset(),
    ):
        found = read_frames(rows, count=3, size=32, num_threads=2)
        assert len(found) == 3
        for frames in found:
            assert frames is not None
            assert np.array_equal(frames.data, expected)


def test_rows_without_a_video_give_none(plain: Path) -> None:
    found = read_frames([{"video": None}, {"video": Clip(plain)}, None], count=1)
    assert [frames is None for frames in found] == [True, False, True]


def test_the_limits_of_a_row_apply(plain: Path) -> None:
    row = {"video": Clip(plain), "start_seconds": 1.0, "stop_seconds": 1.2}
    other = {"video": Clip(plain, 0.2, 0.4), "start_seconds": 1.0, "stop_seconds": 1.2}
    none = {"video": Clip(plain), "start_seconds": None, "stop_seconds": None}
    first, second, third = read_frames([row, other, none], fps=25)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.indices.tolist() == [25, 26, 27, 28, 29]
    assert second.indices.tolist() == [5, 6, 7, 8, 9]
    assert len(third) == 50


def test_random_frames_differ_from_row_to_row_and_repeat_with_the_seed(plain: Path) -> None:
    def draw(seed: int) -> list[list[int]]:
        found = read_frames([Clip(plain)] * 4, count=4, method="random", seed=seed, size=8)
        return [frames.indices.tolist() for frames in found if frames is not None]

    assert draw(0) == draw(0)
    assert len({tuple(numbers) for numbers in draw(0)}) > 1
    assert draw(0) != draw(1)


def test_broken_clips(plain: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    rows = [
        {"video": Clip(plain)},
        {"video": Clip(broken)},
        {"video": Clip(plain), "start_seconds": 5, "stop_seconds": 1},
    ]
    with pytest.raises(VideoError, match=r"broken\.mp4"):
        read_frames(rows, count=2)
    found = read_frames(rows, count=2, on_error="null")
    assert [frames is None for frames in found] == [False, True, True]


def test_a_missing_column_is_named(plain: Path) -> None:
    with pytest.raises(KeyError, match="film"):
        read_frames([{"video": Clip(plain)}], count=1, column="film")


def test_no_more_files_are_open_than_there_are_threads(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, current, most = threading.Lock(), 0, 0
    real_open, real_close = os.open, os.close
    mine: set[int] = set()

    def count_open(path: object, *args: object, **more: object) -> int:
        nonlocal current, most
        descriptor = real_open(path, *args, **more)  # type: ignore[arg-type]
        if str(path) == str(plain):
            with lock:
                mine.add(descriptor)
                current += 1
                most = max(most, current)
        return descriptor

    def count_close(descriptor: int) -> None:
        nonlocal current
        with lock:
            if descriptor in mine:
                mine.discard(descriptor)
                current -= 1
        real_close(descriptor)

    monkeypatch.setattr(os, "open", count_open)
    monkeypatch.setattr(os, "close", count_close)
    read_frames([Clip(plain)] * 12, count=8, num_threads=3)
    assert 1 <= most <= 3
    assert current == 0

"""What a model is told of when frames are shown: the clip's own moments, on the file's time or the clip's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from video_sft import Clip
from video_sft.errors import ConfigError
from video_sft.training import Collator, video_metadata

from .families import processor_of, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # transformers' own
Row = Callable[..., dict[str, Any]]


def stamps(batch: dict[str, Any], place: int = 0) -> list[float]:
    """The time stamps that Qwen3-VL reads, each of two frames."""
    text = tokenizer().decode(batch["input_ids"][place])
    return [float(found) for found in re.findall(r"<([\d.]+) seconds>", text)]


def test_stamps_of_a_cut_clip_are_seconds_of_the_file(row: Row) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=2)
    assert stamps(collator([row("long", 20, 24)])) == pytest.approx([20.25, 21.25, 22.25, 23.25], abs=0.051)
    assert stamps(collator([row("long", 0, 4)])) == pytest.approx([0.25, 1.25, 2.25, 3.25], abs=0.051)


def test_stamps_may_count_from_the_clip(row: Row) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=2, time="clip")
    assert stamps(collator([row("long", 20, 24)])) == pytest.approx([0.25, 1.25, 2.25, 3.25], abs=0.051)
    with pytest.raises(ConfigError, match="time is 'file' or 'clip', not 'start'"):
        Collator(processor_of("Qwen3VL"), fps=2, time="start")  # type: ignore[arg-type]


@pytest.mark.parametrize("how", [{"fps": 2}, {"fps": 7.3}, {"count": 5}, {"fps": 4, "max_frames": 6}])
@pytest.mark.parametrize("limits", [(None, None), (2.13, 9.87), (11.0, 11.4), (25.5, 99.0)])
@pytest.mark.parametrize("video", ["long", "variable"])
def test_stamps_lie_within_the_limits(
    video: str, limits: tuple[float | None, float | None], how: dict[str, Any], row: Row
) -> None:
    found = stamps(Collator(processor_of("Qwen3VL"), **how)([row(video, *limits)]))
    assert found
    assert found == sorted(found)
    assert min(found) >= (limits[0] or 0) - 0.051
    assert max(found) <= min(limits[1] or 99, 32) + 0.051


def test_pictures_are_those_of_the_stamps(row: Row, videos: dict[str, str]) -> None:
    collator = Collator(processor_of("Qwen2VL"), count=2)
    batch = collator([row("long", 20, 24)])
    at_21_and_23 = Clip(videos["long"]).frames(times=[21.0, 23.0], size=_size(batch), layout="NCHW").data
    mean, std = (np.array(values)[:, None, None] for values in _normalisation())
    wanted = (at_21_and_23 / 255 - mean) / std
    given = _pictures(batch)
    assert np.abs(given - wanted).max() < 1e-3


def test_positions_are_as_dense_as_the_frames(row: Row) -> None:
    rows = [row("long", 20, 24), row("long", 3, 9), row("variable", 1, 30)]
    seconds = Collator(processor_of("Qwen2_5_VL"), fps=2)(rows)["second_per_grid_ts"].tolist()
    assert seconds == pytest.approx([1.0, 1.0, 1.0])
    spread = Collator(processor_of("Qwen2_5_VL"), count=4)(rows)["second_per_grid_ts"].tolist()
    assert spread == pytest.approx([2.0, 3.0, 2 * 29 / 4])


@pytest.mark.parametrize("sound", [False, True])
def test_omni_is_told_the_rate_of_each_video(sound: bool, row: Row) -> None:
    rows = [row("long", 20, 24), row("sounding")]
    batch = Collator(processor_of("Qwen2_5OmniThinker"), count=4, sound=sound)(rows)
    assert batch["video_second_per_grid"].tolist() == pytest.approx([2.0, 3.0])


def test_a_clip_too_short_for_two_frames_is_shown_twice(row: Row) -> None:
    batch = Collator(processor_of("Qwen3VL"), fps=1)([row("long", 20, 20.3)])
    assert batch["video_grid_thw"][0, 0] == 1
    assert stamps(batch) == pytest.approx([20.15], abs=0.051)


def test_metadata_of_frames_decoded_by_hand(videos: dict[str, str]) -> None:
    clip = Clip(videos["long"], 20, 24)
    frames = clip.frames(fps=2)
    metadata = video_metadata(clip, frames)
    assert metadata["fps"] == pytest.approx(10)
    assert metadata["frames_indices"] == pytest.approx([200, 205, 210, 215, 220, 225, 230, 235])
    assert metadata["duration"] == pytest.approx(4)
    assert (metadata["height"], metadata["width"]) == frames.data.shape[1:3]
    processor = processor_of("Qwen3VL")
    how = {"video_metadata": [metadata], "do_sample_frames": False}
    batch = processor(text=["<|video_pad|>"], videos=[frames.data], videos_kwargs=how)
    assert stamps(batch) == pytest.approx([20.25, 21.25, 22.25, 23.25], abs=0.051)
    assert video_metadata(clip, frames, time="clip")["frames_indices"] == pytest.approx(list(range(0, 40, 5)))
    five = processor_of("Qwen2_5_VL")(text=["<|video_pad|>"], videos=[frames.data], videos_kwargs=how)
    assert five["second_per_grid_ts"] == pytest.approx([1.0])


def test_metadata_of_a_variable_rate_has_each_frames_own_time(videos: dict[str, str]) -> None:
    clip = Clip(videos["variable"], 4.05, 20)
    frames = clip.frames(count=6)
    metadata = video_metadata(clip, frames)
    times = np.array(metadata["frames_indices"]) / metadata["fps"]
    assert times == pytest.approx(np.maximum(frames.pts_seconds, 4.05))


def _size(batch: dict[str, Any]) -> tuple[int, int]:
    _, rows, columns = batch["video_grid_thw"][0].tolist()
    return rows * 14, columns * 14


def _normalisation() -> tuple[list[float], list[float]]:
    video = processor_of("Qwen2VL").video_processor
    return video.image_mean, video.image_std


def _pictures(batch: dict[str, Any]) -> np.ndarray:
    """Patches of one pair of frames put together again, (2, 3, H, W)."""
    _, rows, columns = batch["video_grid_thw"][0].tolist()
    patches = batch["pixel_values_videos"].numpy().reshape(rows // 2, columns // 2, 2, 2, 3, 2, 14, 14)
    return patches.transpose(5, 4, 0, 2, 6, 1, 3, 7).reshape(2, 3, rows * 14, columns * 14)

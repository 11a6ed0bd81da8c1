"""Trimmed clips: the same frames at the same times, from 0 on, with their sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.trainers.clock_rows import draw_clock

from video_sft import Clip
from video_sft.video._encoding.trimmed import write_stills, write_trimmed


def draw(path: Path, *, width: int = 160, height: int = 120, sound: bool = False, aspect: int = 1) -> Path:
    """Draw 10 s at 25 frames a second with B-frames, and two channels of sound that rises."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 200, (height // 8, width // 8, 1), dtype=np.uint8).repeat(3, 2).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25, options={"g": "60"})
        video.width, video.height, video.pix_fmt = width, height, "yuv444p"
        video.codec_context.sample_aspect_ratio = aspect
        track: Any = container.add_stream("aac", rate=44_100, layout="stereo") if sound else None
        for number in range(250):
            picture = np.pad(ground, ((0, height % 8), (0, width % 8), (0, 0)), mode="edge")
            picture = np.roll(picture, number, axis=1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(video.encode(None))
        if track is not None:
            times = np.arange(441_000) / 44_100
            wave = (np.sin(times * 2 * np.pi * 440) * times / 10).astype(np.float32)
            for first in range(0, len(wave), 1024):
                piece = np.stack([wave[first : first + 1024], -wave[first : first + 1024]])
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout="stereo")
                frame.sample_rate, frame.pts = 44_100, first
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


def test_frames_are_those_of_the_clip_at_their_times(tmp_path: Path) -> None:
    clip = Clip(draw(tmp_path / "a.mp4"), 2.0, 5.0)
    write_trimmed(clip, tmp_path / "cut.mp4")
    cut, part = Clip(tmp_path / "cut.mp4").frames(), clip.frames()
    assert len(cut) == len(part) == 75
    assert cut.pts_seconds == pytest.approx(part.pts_seconds - 2.0, abs=1e-4)
    assert np.abs(cut.data.astype(int) - part.data).mean() < 3
    for shift in (-1, 1):  # the neighbours would differ more
        assert np.abs(np.roll(cut.data, shift, axis=0).astype(int) - part.data).mean() > 6
    facts = Clip(tmp_path / "cut.mp4").metadata
    assert (facts.begin_seconds, facts.duration_seconds, facts.fps) == (0.0, pytest.approx(3.0, abs=1e-3), 25.0)


def test_limits_between_frames_shorten_the_first_and_the_last(tmp_path: Path) -> None:
    clip = Clip(draw_clock(tmp_path / "a.mp4", 5), 2.05, 2.48)
    write_trimmed(clip, tmp_path / "cut.mp4")
    cut = Clip(tmp_path / "cut.mp4").frames()
    assert cut.pts_seconds == pytest.approx([0, 0.05, 0.15, 0.25, 0.35], abs=1e-4)
    assert cut.duration_seconds == pytest.approx([0.05, 0.1, 0.1, 0.1, 0.08], abs=1e-3)


def test_a_variable_rate_stays_one(tmp_path: Path) -> None:
    clip = Clip(draw_clock(tmp_path / "a.mp4", 20, uneven=True), 9.0, 13.0)
    write_trimmed(clip, tmp_path / "cut.mp4")
    assert Clip(tmp_path / "cut.mp4").frames().pts_seconds == pytest.approx(clip.frames().pts_seconds - 9.0, abs=1e-4)


def test_sound_is_that_of_the_clip(tmp_path: Path) -> None:
    clip = Clip(draw(tmp_path / "a.mp4", sound=True), 2.0, 5.0)
    write_trimmed(clip, tmp_path / "cut.mp4")
    cut = Clip(tmp_path / "cut.mp4")
    assert cut.metadata.audio is not None
    heard, part = (each.audio(sampling_rate=None, mono=False) for each in (cut, clip))
    assert heard.data.shape[0] == 2
    assert heard.duration_seconds == pytest.approx(3.0, abs=0.05)
    inside = slice(2_000, 130_000)
    assert np.abs(heard.data[:, inside] - part.data[:, inside]).max() < 0.03


@pytest.mark.parametrize(("width", "height"), [(161, 121), (160, 121)])
def test_sizes_are_even_and_pixels_keep_their_shape(tmp_path: Path, width: int, height: int) -> None:
    write_trimmed(Clip(draw(tmp_path / "a.mp4", width=width, height=height, aspect=2), 1.0, 2.0), tmp_path / "cut.mp4")
    facts = Clip(tmp_path / "cut.mp4").metadata
    assert (facts.width, facts.height, facts.pixel_aspect_ratio) == (160, 120, 2.0)


def test_one_frame_is_there_twice_for_the_same_time(tmp_path: Path) -> None:
    write_trimmed(Clip(draw_clock(tmp_path / "a.mp4", 5), 2.02, 2.06), tmp_path / "cut.mp4")
    frames = Clip(tmp_path / "cut.mp4").frames()
    assert len(frames) == 2
    assert frames.duration_seconds.sum() == pytest.approx(0.04, abs=1e-3)


def test_a_folder_of_frames_becomes_a_video(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_stills(Clip(draw_clock(tmp_path / "a.mp4", 6)), tmp_path / "frames", fps=2, max_frames=None)
    write_trimmed(Clip(tmp_path / "frames", 1.0, 4.0, fps=2), tmp_path / "cut.mp4")
    facts = Clip(tmp_path / "cut.mp4").metadata
    assert (facts.num_frames, facts.duration_seconds, facts.fps) == (6, pytest.approx(3.0), 2.0)

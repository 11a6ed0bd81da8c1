"""The steps by themselves: a file and parameters in, a file and facts out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from tests.preparing.conftest import draw
from tests.video.made_videos import encode

from video_sft import Clip
from video_sft.errors import VideoError
from video_sft.preparing import Made, frames, health, probe, transcode, trim


def same_frames(made: Made, original: Path, moments: np.ndarray, size: tuple[int, int]) -> None:
    """Assert that each moment of the original is the same frame in a file, and that its neighbours are others."""
    ours = Clip(made.location).frames(times=(moments - made.timeline_offset).tolist(), size=size)
    theirs = Clip(original).frames(times=moments.tolist(), size=size)
    assert ours.pts_seconds + made.timeline_offset == pytest.approx(theirs.pts_seconds, abs=1e-6)
    difference = np.abs(ours.data.astype(int) - theirs.data).mean(axis=(1, 2, 3))
    others = Clip(original).frames(times=(moments + 0.08).tolist(), size=size)
    assert (difference < np.abs(ours.data.astype(int) - others.data).mean(axis=(1, 2, 3)) / 2).all()


def test_a_transcode_is_small_has_a_key_frame_each_second_and_every_frame_at_its_time(
    originals: Path, tmp_path: Path
) -> None:
    made = transcode(originals / "large.mp4", tmp_path / "a.mp4")
    facts = probe(made.location).metadata
    assert facts is not None
    assert (facts.width, facts.height, facts.num_frames, facts.fps) == (298, 224, 100, 25.0)
    assert (facts.begin_seconds, facts.end_seconds) == (0.0, 4.0)
    assert facts.audio is not None
    with av.open(made.location) as container:
        keys = [float(each.pts * each.time_base) for each in container.demux(video=0) if each.is_keyframe and each.size]
    assert {0.0, 1.0, 2.0, 3.0} <= set(keys)
    same_frames(made, originals / "large.mp4", np.arange(0.02, 3.9, 0.17), (224, 298))


@pytest.mark.parametrize("times", [None, lambda number: number * 20 + number * number])
def test_a_part_has_exactly_its_frames_whatever_the_rate(tmp_path: Path, times: object) -> None:
    encode(tmp_path / "a.mp4", options={"g": "12", "bf": "3"}, times=times)  # type: ignore[arg-type]
    timeline = Clip(tmp_path / "a.mp4").frames()
    start, stop = float(timeline.pts_seconds[7]) + 0.01, float(timeline.pts_seconds[31])
    made = trim(tmp_path / "a.mp4", tmp_path / "b.mp4", start=start, stop=stop)
    part = Clip(made.location).frames()
    assert made.timeline_offset == timeline.pts_seconds[7]
    assert part.pts_seconds + made.timeline_offset == pytest.approx(timeline.pts_seconds[7:31], abs=1e-9)
    assert part.duration_seconds == pytest.approx(timeline.duration_seconds[7:31], abs=1e-9)


def test_frames_are_copied_where_the_part_begins_at_a_key_frame(tmp_path: Path) -> None:
    original = draw(tmp_path / "a.mp4", sound=True, key_frames=25)
    made = trim(original, tmp_path / "b.mp4", start=1.0, stop=2.4)
    assert made.note == "its frames are copied"
    assert (Clip(made.location, 0.0, 1.4).frames(count=4).data == Clip(original, 1.0, 2.4).frames(count=4).data).all()
    heard, there = Clip(made.location).audio().data, Clip(original).audio().data[16_000:]
    assert np.abs(heard[2000:20_000] - there[2000:20_000]).max() < 0.1
    early = trim(original, tmp_path / "c.mp4", start=1.5, stop=2.4, copy=True)
    assert (early.timeline_offset, early.note) == (1.0, "its frames are copied")
    exact = trim(original, tmp_path / "d.mp4", start=1.5, stop=2.4)
    assert (exact.timeline_offset, exact.note) == (1.48, None)


def test_fewer_frames_keep_their_times(originals: Path, tmp_path: Path) -> None:
    made = transcode(originals / "large.mp4", tmp_path / "a.mp4", max_fps=5, start=1.0)
    part = Clip(made.location).frames()
    assert part.pts_seconds + made.timeline_offset == pytest.approx(np.arange(1.0, 4.0, 0.2), abs=1e-6)


def test_sound_that_cannot_be_read_is_left_out_and_said(
    originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise VideoError("a.mp4", "its audio cannot be decoded")

    monkeypatch.setattr(Clip, "audio", broken)
    made = transcode(originals / "large.mp4", tmp_path / "a.mp4", stop=1.0)
    assert made.note == "its sound is left out: its audio cannot be decoded"
    assert Clip(made.location).metadata.audio is None


def test_frames_are_pictures_in_a_zip(originals: Path, tmp_path: Path) -> None:
    made = frames(originals / "large.mp4", tmp_path / "a.zip", start=1.0, stop=3.0, fps=4)
    facts = probe(made.location).metadata
    assert facts is not None
    assert (facts.num_frames, facts.fps, facts.height, made.timeline_offset) == (8, 4.0, 224, 1.0)
    assert frames(originals / "large.mp4", tmp_path / "b.zip", start=1.0, stop=3.0, fps=4)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_is_wrong_is_said(originals: Path, tmp_path: Path) -> None:
    whole = (originals / "large.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    assert health(originals / "small.mp4") is None
    assert health(tmp_path / "half.mp4") is not None
    for step in (trim, transcode, frames):
        with pytest.raises(VideoError):
            step(originals / "small.mp4", tmp_path / "x.mp4", start=9.0)


def test_steps_do_without_datasets() -> None:
    code = (
        "import sys; from video_sft.preparing import frames, health, probe, transcode, trim; "
        "print([name for name in ('datasets', 'ray', 'pyarrow', 'torch') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

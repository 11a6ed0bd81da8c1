"""A part of a video of any kind, cut or made smaller, shows at every moment the frame that the original shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from video_sft import Clip
from video_sft.preparing import Made, transcode, trim


def shows_the_same(made: Made, original: Clip, begin: float, end: float) -> bool:
    """Return whether the frames of each moment begin at the same time, and are alike as far as encoding leaves them."""
    moments = np.arange(begin + 0.003, end - 0.003, 0.031)
    ours = Clip(made.location).frames(times=(moments - made.timeline_offset).tolist(), size=(32, 48))
    theirs = original.frames(times=moments.tolist(), size=(32, 48))
    late = np.abs(ours.pts_seconds + made.timeline_offset - theirs.pts_seconds).max()
    return bool(late < 1e-6 and np.abs(ours.data.astype(int) - theirs.data).mean() < 25)  # these are pictures of noise


@pytest.mark.parametrize("how", ["exact", "copy", "smaller"])
def test_moments_are_those_of_the_original(videos: dict[str, Path], tmp_path: Path, how: str) -> None:
    different = []
    for kind, path in videos.items():
        original = Clip(path)
        facts = original.metadata
        begin = facts.begin_seconds + 0.37 * facts.duration_seconds
        end = facts.begin_seconds + 0.8 * facts.duration_seconds
        if how == "smaller":
            made = transcode(path, tmp_path / "made.mp4", start=begin, stop=end, size=32)
        else:
            made = trim(path, tmp_path / "made.mp4", start=begin, stop=end, copy=how == "copy")
        assert made.timeline_offset <= begin
        if not shows_the_same(made, original, begin, end):
            different.append(kind)
    assert different == []

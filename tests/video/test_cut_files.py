"""Files that were cut out of a longer video count that video's seconds: `cut://from=11.1::part.mp4`."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.video.made_videos import X264, encode, remux
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip, Video, clip_url
from video_sft.video._fragment import cut_url, split_cut


@pytest.mark.parametrize("offset", [11.1, 1e-7, 123456.789, -0.5])
@pytest.mark.parametrize("path", ["/data/a.mp4", "zip://b/a.mp4::/x.zip", "frames://fps=2::/data/a", "cut://from=1::a"])
def test_the_offset_is_a_part_of_the_location(path: str, offset: float) -> None:
    assert split_cut(cut_url(path, offset)) == (path, offset)
    assert cut_url(path, 0.0) == path
    assert split_cut(cut_url(path, 0.0, part=True)) == (path, 0.0)


@pytest.mark.parametrize("path", ["cut://a.mp4", "cut://from=x::a.mp4", "cut://from=::a.mp4", "/cut://from=1::a.mp4"])
def test_what_is_not_written_so_has_none(path: str) -> None:
    assert split_cut(path) == (path, 0.0)
    with pytest.raises(ValueError, match="not inf"):
        cut_url(path, float("inf"))


def test_every_second_is_that_of_the_original(videos: dict[str, Path]) -> None:
    path = videos["plain"]
    own, clip = Clip(path), Clip(f"cut://from=100.5::{path}")
    assert clip.metadata.begin_seconds == own.metadata.begin_seconds + 100.5
    assert clip.metadata.duration_seconds == pytest.approx(own.metadata.duration_seconds)
    for how in ({"count": 5}, {"fps": 7}, {"indices": [0, 13, -1]}, {}, {"count": 3, "on_error": "nearest"}):
        one, other = own.frames(**how), clip.frames(**how)  # type: ignore[arg-type]
        np.testing.assert_array_equal(one.data, other.data)
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_allclose(one.pts_seconds + 100.5, other.pts_seconds, atol=1e-9)
        np.testing.assert_allclose(one.duration_seconds, other.duration_seconds)
    part = clip.clip(100.9, 101.5)
    np.testing.assert_array_equal(part.frames().data, own.clip(0.4, 1.0).frames().data)
    np.testing.assert_array_equal(clip.frames(times=[101.0]).data, own.frames(times=[0.5]).data)
    with pytest.raises(ValueError, match=r"goes from 0 s to 102\.5 s"):
        clip.frames(times=[103.0])
    with pytest.raises(VideoError, match=r"starts at 200 s, but the video ends at 102\.5 s"):
        clip.part(200.0, None).frames(count=1)


def test_it_is_a_clip_like_any_other(plain: Path) -> None:
    part = Clip(f"cut://from=100.5::{plain}").clip(101.0, 102.0)
    assert dict(part) == {"bytes": None, "path": clip_url(f"cut://from=100.5::{plain}", 101.0, 102.0)}
    for same in (Clip(dict(part)), pickle.loads(pickle.dumps(part)), Video().decode_example(dict(part))):
        assert same == part
        np.testing.assert_allclose(same.frames(count=1).pts_seconds, part.frames(count=1).pts_seconds)
    assert part != Clip(plain, 101.0, 102.0)
    held = Clip({"path": f"cut://from=100.5::{plain}", "bytes": plain.read_bytes()})
    assert held.metadata.begin_seconds == pytest.approx(100.5)


def test_sound_is_counted_so_too(tmp_path: Path) -> None:
    path = encode(tmp_path / "sound.mp4", count=50, audio_codec="aac")
    own, clip = Clip(path, 0.5, 1.5).audio(), Clip(f"cut://from=20.0::{path}", 20.5, 21.5).audio()
    np.testing.assert_array_equal(own.data, clip.data)
    assert clip.pts_seconds == pytest.approx(own.pts_seconds + 20.0)
    assert Clip(f"cut://from=20.0::{path}").audio().pts_seconds == pytest.approx(Clip(path).audio().pts_seconds + 20.0)


def test_folders_of_frames_may_be_cut_out(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("RGB", (16, 12), (number * 40,) * 3).save(tmp_path / f"{number}.png")
    clip = Clip(f"cut://from=30.0::frames://fps=2::{tmp_path}")
    assert clip.metadata.begin_seconds == 30.0
    assert clip.metadata.duration_seconds == 3.0
    frames = clip.clip(31.0, 32.0).frames()
    assert frames.pts_seconds.tolist() == [31.0, 31.5]
    assert frames.data[:, 0, 0, 0].tolist() == [80, 120]
    assert Clip(f"cut://from=30.0::{tmp_path}", fps=3).frames(count=6).pts_seconds[1] == pytest.approx(30 + 1 / 3)


def test_remote_files_without_an_index_too(tmp_path: Path) -> None:
    source = encode(tmp_path / "source.mp4", count=250, width=256, height=160, options={**X264, "crf": "1", "g": "25"})
    path = remux(source, tmp_path / "long.ts")
    assert path.stat().st_size > 2 << 20
    with VideoServer(tmp_path) as server:
        own, cut = (Clip(f"{hop}{server.url(path.name)}") for hop in ("", "cut://from=50.0::"))
        one, other = own.frames(count=4), cut.frames(count=4)
    np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_allclose(one.pts_seconds + 50.0, other.pts_seconds)

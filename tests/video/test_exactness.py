"""Whatever the file and however it is asked for, the frames are those of a plain full decode."""

from __future__ import annotations

import zipfile
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.video.made_videos import decode_fully, fully
from tests.video.video_server import VideoServer

from video_sft.video import Clip

KINDS = (  # noqa: SIM905 - a column of names would be longer, and no clearer
    "plain moov_in_front no_b_frames one_key_frame open_gop intra_refresh ten_bit odd_444 odd_vp9 interlaced "
    "hevc hevc_layers av1 av1_mkv variable_rate several_streams mpeg4 mpeg4_avi mjpeg_avi vp8 vp9 gif prores mpeg2_ts "
    "mpeg_ps rotated_90 rotated_180 rotated_270 mkv mkv_without_index mkv_open_gop mov avi_reordered flv ts "
    "ts_open_gop raw_h264 fragmented dash half_fragmented late_start negative_start interlaced_ts hevc_mkv "
    "edit_cuts_beginning edit_cuts_end"
).split()
#: libav gives these frames no times, or some out of order or double; see `video_sft.video._streams.track`.
GUESSED_TIMES = {"avi_reordered", "mpeg_ps", "raw_h264"}

REAL = (  # noqa: SIM905
    "av1_video.mkv flipping_a_pancake.mkv flower.mp4 flower.webm h265_video.mp4 mllm_demo_2.avi nasa_13013.mp4 "
    "v_rBMQFpHspmo.mp4 video_90_rotated.mov"
).split()


def test_every_kind_that_is_made_is_tested(videos: dict[str, Path]) -> None:
    assert set(KINDS) == set(videos)


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_of_every_kind(videos: dict[str, Path], kind: str) -> None:
    frames, times = fully(videos[kind])
    given_back = Clip(videos[kind]).frames(num_threads=2)
    assert np.array_equal(given_back.data, frames)
    assert np.array_equal(given_back.indices, np.arange(len(frames)))
    if kind not in GUESSED_TIMES:
        assert np.allclose(given_back.pts_seconds, times, rtol=0, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_single_frames_in_any_order(videos: dict[str, Path], kind: str, threads: int) -> None:
    frames, _ = fully(videos[kind])
    rng = np.random.default_rng(len(kind))
    for count in (1, 1, 2, 5):
        wanted = rng.integers(0, len(frames), count)
        given_back = Clip(videos[kind]).frames(indices=wanted.tolist(), num_threads=threads)
        assert np.array_equal(given_back.data, frames[wanted]), wanted


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in GUESSED_TIMES])
def test_metadata_agrees_with_the_frames(videos: dict[str, Path], kind: str) -> None:
    frames, times = fully(videos[kind])
    facts = Clip(videos[kind]).metadata
    assert (facts.num_frames, facts.height, facts.width) == frames.shape[:3]
    assert facts.begin_seconds == pytest.approx(times[0])
    step = times[-1] - times[-2]
    assert facts.duration_seconds == pytest.approx(times[-1] - times[0] + step, abs=1.5 * step)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    kind=st.sampled_from(["plain", "open_gop", "hevc", "mkv_open_gop", "variable_rate", "ts_open_gop", "vp9"]),
)
def test_any_choice_of_frames_and_times(videos: dict[str, Path], data: st.DataObject, kind: str) -> None:
    frames, times = fully(videos[kind])
    clip = Clip(videos[kind])
    wanted = data.draw(st.lists(st.integers(0, len(frames) - 1), min_size=1, max_size=12))
    assert np.array_equal(clip.frames(indices=wanted, num_threads=2).data, frames[wanted])
    end = clip.metadata.begin_seconds + clip.metadata.duration_seconds
    moments = data.draw(st.lists(st.floats(times[0], end - 1e-3), min_size=1, max_size=6))
    shown = np.searchsorted(times, np.array(moments) + 1e-7, side="right") - 1
    assert np.array_equal(clip.frames(times=moments).data, frames[shown])


@pytest.mark.parametrize("kind", ["plain", "moov_in_front", "open_gop", "mkv", "ts", "mpeg4_avi", "gif", "fragmented"])
@pytest.mark.parametrize("way", ["file", "memory", "zip", "zip_http"])
def test_the_same_from_other_places(videos: dict[str, Path], kind: str, way: str, tmp_path: Path) -> None:
    path = videos[kind]
    frames, times = fully(path)
    wanted = np.linspace(0, len(frames) - 1, 5).astype(int)
    archive = tmp_path / "videos.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(path, f"some folder/{path.name}")
    with VideoServer(tmp_path) as server, path.open("rb") as opened:
        source = {
            "file": opened,
            "memory": _in_memory(path),
            "zip": f"zip://some folder/{path.name}::{archive}",
            "zip_http": f"zip://some folder/{path.name}::{server.url(archive.name)}",
        }[way]
        given_back = Clip(source).frames(indices=wanted.tolist())
    assert np.array_equal(given_back.data, frames[wanted])
    assert np.allclose(given_back.pts_seconds, times[wanted], rtol=0, atol=1e-9)


def _in_memory(path: Path) -> str:
    import fsspec

    with fsspec.open(f"memory://videos/{path.name}", "wb") as file:
        file.write(path.read_bytes())
    return f"memory://videos/{path.name}"


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared: Path, name: str) -> None:
    path = shared / "videos" / name
    frames, times = decode_fully(path)
    clip = Clip(path)
    assert clip.metadata.num_frames == len(frames)
    for wanted in (np.linspace(0, len(frames) - 1, min(8, len(frames))).astype(int), np.array([len(frames) // 2])):
        given_back = clip.frames(indices=wanted.tolist(), num_threads=2)
        assert np.array_equal(given_back.data, frames[wanted])
        assert np.allclose(given_back.pts_seconds, times[wanted], rtol=0, atol=1e-9)


def test_another_stream_of_the_file(shared: Path) -> None:
    path = shared / "videos" / "nasa_13013.mp4"
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(container.streams[3]), 101)]
    clip = Clip(path, stream_index=3)
    assert (clip.metadata.width, clip.metadata.height) == (480, 270)
    assert np.array_equal(clip.frames(indices=[5, 100]).data, [frames[5], frames[100]])

"""Remote files: few requests, few bytes, and failures that pass or are told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.local_hub import LocalHub
from tests.local_hub.fixtures import hub  # noqa: F401 - a fixture
from tests.video.made_videos import encode, remux
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip, Video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of some megabytes with its table at the end, the same with the table in front, and both in a zip."""
    folder = tmp_path_factory.mktemp("served")
    options = {"g": "25", "bf": "2", "preset": "ultrafast", "crf": "4"}
    encode(folder / "end.mp4", count=250, width=192, height=128, options=options)
    encode(
        folder / "front.mp4",
        count=250,
        width=192,
        height=128,
        options=options,
        container_options={"movflags": "faststart"},
    )
    with zipfile.ZipFile(folder / "stored.zip", "w") as archive:
        archive.write(folder / "end.mp4", "a b/end.mp4")
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "end.mp4", "end.mp4")
    return folder


def needed(folder: Path, name: str, indices: list[int]) -> int:
    """Bytes from the key frames to the frames wanted."""
    track = Clip(folder / name)._file.track()
    table = track.table
    assert table is not None
    rows: set[int] = set()
    for row in table.rows[indices].tolist():
        rows |= set(range(table.entry(row), row + 1))
    return int(table.size[sorted(rows)].sum())


@pytest.mark.parametrize("name", ["end.mp4", "front.mp4"])
def test_metadata_takes_two_requests(server: VideoServer, folder: Path, name: str) -> None:
    assert Clip(server.url(name)).metadata == Clip(folder / name).metadata
    assert len(server.log) <= 2
    assert server.sent < 200_000


@pytest.mark.parametrize("name", ["end.mp4", "front.mp4"])
def test_frames_take_the_bytes_they_need(server: VideoServer, folder: Path, name: str) -> None:
    size = (folder / name).stat().st_size
    for indices in ([130], [5, 60, 110, 160, 235]):
        server.log.clear()
        frames = Clip(server.url(name)).frames(indices=indices)
        assert np.array_equal(frames.data, Clip(folder / name).frames(indices=indices).data)
        assert len(server.log) <= 2 + len(indices)
        assert server.sent < 1.3 * needed(folder, name, indices) + 200_000
        assert server.sent < size


@pytest.mark.parametrize(
    "flags", ["frag_keyframe+empty_moov", "frag_keyframe+empty_moov+skip_trailer", "dash+global_sidx"]
)
def test_the_headers_of_fragments_are_asked_for_together(server: VideoServer, folder: Path, flags: str) -> None:
    remux(folder / "end.mp4", folder / "fragmented.mp4", options={"movflags": flags, "frag_duration": "1000000"})
    assert (folder / "fragmented.mp4").read_bytes().count(b"moof") == 10
    clip, local = Clip(server.url("fragmented.mp4")), Clip(folder / "fragmented.mp4")
    assert clip.metadata == local.metadata
    assert len(server.log) <= 2
    assert np.array_equal(clip.frames(indices=[5, 130]).data, local.frames(indices=[5, 130]).data)


def test_what_is_known_is_not_asked_again(server: VideoServer) -> None:
    clip = Clip(server.url("end.mp4"))
    _ = clip.metadata
    server.log.clear()
    clip.clip(2, 3).frames(count=2)
    assert len(server.log) == 1


def test_a_zip_member_is_read_in_place(server: VideoServer, folder: Path) -> None:
    frames = Clip(f"zip://a b/end.mp4::{server.url('stored.zip')}").frames(indices=[130])
    assert np.array_equal(frames.data, Clip(folder / "end.mp4").frames(indices=[130]).data)
    assert server.sent < (folder / "stored.zip").stat().st_size / 2
    packed = Clip(f"zip://end.mp4::{folder / 'packed.zip'}")
    assert packed.metadata.num_frames == 250
    with pytest.raises(VideoError, match="no such member"):
        _ = Clip(f"zip://other.mp4::{folder / 'stored.zip'}").metadata
    with pytest.raises(VideoError, match="zip file"):
        _ = Clip(f"zip://other.mp4::{folder / 'end.mp4'}").metadata


@pytest.mark.parametrize("failure", [500, 503, 429, 0])
def test_failures_that_pass_are_tried_again(server: VideoServer, folder: Path, failure: int) -> None:
    clip = Clip(server.url("end.mp4"))
    server.failures += [failure, failure]
    assert clip.metadata.num_frames == 250
    server.failures += [failure]
    assert np.array_equal(clip.frames(indices=[130]).data, Clip(folder / "end.mp4").frames(indices=[130]).data)


def test_failures_that_stay_are_told(server: VideoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("video_sft._retrying._FIRST_PAUSE_SECONDS", 0)
    with pytest.raises(VideoError, match="404"):
        _ = Clip(server.url("nothing.mp4")).metadata
    server.failures += [503] * 20
    with pytest.raises(VideoError, match=r"tried 5 times.*503"):
        _ = Clip(server.url("end.mp4")).metadata
    server.failures.clear()
    with pytest.raises(VideoError, match="cannot be fetched"):
        _ = Clip("http://127.0.0.1:9/a.mp4").metadata
    with pytest.raises(VideoError, match="cannot be opened"):
        _ = Clip("nosuchscheme://a.mp4").metadata
    with pytest.raises(VideoError, match="no such file"):
        _ = Clip("memory://nothing.mp4").metadata


def test_a_file_replaced_while_it_is_read_is_noticed(server: VideoServer) -> None:
    clip = Clip(server.url("end.mp4"))
    _ = clip.metadata
    server.etag = '"two"'
    with pytest.raises(VideoError, match="changed while it was read"):
        clip.frames(indices=[130])


def test_a_redirect_is_followed_once(server: VideoServer) -> None:
    Clip(server.url("r/end.mp4")).frames(indices=[5, 130, 240])
    assert len([path for path in server.asked if path.startswith("/r/")]) == 1


def test_a_server_without_ranges_still_serves(server: VideoServer, folder: Path) -> None:
    server.ranges = False
    frames = Clip(server.url("end.mp4")).frames(indices=[130])
    assert np.array_equal(frames.data, Clip(folder / "end.mp4").frames(indices=[130]).data)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hub(hub: LocalHub, folder: Path) -> None:  # noqa: F811
    hub.add_repo("org/films", {"videos/end.mp4": folder / "end.mp4", "videos/all.zip": folder / "stored.zip"})
    expected = Clip(folder / "end.mp4").frames(indices=[130]).data
    hub.forget_served()
    frames = Clip("hf://datasets/org/films/videos/end.mp4").frames(indices=[130])
    assert np.array_equal(frames.data, expected)
    assert hub.bytes_sent("*") < (folder / "end.mp4").stat().st_size / 2
    assert len(hub.requests()) <= 5
    zipped = Clip("zip://a b/end.mp4::hf://datasets/org/films@main/videos/all.zip#t=4.0,6.0")
    assert np.array_equal(zipped.frames(indices=[130]).data, expected)
    with pytest.raises(VideoError, match=r"404|no such"):
        _ = Clip("hf://datasets/org/films/videos/other.mp4").metadata


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_private_repo_needs_the_token_datasets_has(tmp_path: Path, folder: Path) -> None:
    with LocalHub(tmp_path / "hub") as running:
        with running.attached():
            running.add_repo("org/secret", {"end.mp4": folder / "end.mp4"}, private=True)
        with running.attached(token=None):
            cell = {"path": "hf://datasets/org/secret/end.mp4", "bytes": None}
            with pytest.raises(VideoError, match=r"401|403|404"):
                _ = Video().decode_example(cell).metadata
            clip = Video().decode_example(cell, token_per_repo_id={"org/secret": running.token})
            assert clip.metadata.num_frames == 250


def test_a_file_without_an_index_is_not_fetched_whole(server: VideoServer, folder: Path) -> None:
    remux(folder / "end.mp4", folder / "long.mkv")
    size = (folder / "long.mkv").stat().st_size
    clip, local = Clip(server.url("long.mkv")), Clip(folder / "long.mkv")
    assert clip.metadata.num_frames == local.metadata.num_frames
    for choice in ({"count": 3}, {"times": [1.0, 5.01, 9.99]}, {"fps": 0.5}, {"count": 2, "method": "endpoints"}):
        server.log.clear()
        near, exact = clip.frames(**choice), local.frames(**choice)
        assert np.array_equal(near.data, exact.data)
        assert np.allclose(near.pts_seconds, exact.pts_seconds)
        assert server.sent < size
    assert np.array_equal(clip.frames(indices=[77]).data, local.frames(indices=[77]).data)
    assert clip.metadata == local.metadata

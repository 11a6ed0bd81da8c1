"""MP4 files cut by an edit list: the frames of a plain full decode, the same over a network as on disk."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from tests.video.made_videos import decode_fully, encode, remux, with_edits
from tests.video.video_server import VideoServer

from video_sft.video import Clip

#: Files up to 2 MB are fetched whole.
FILLING = 3 << 20

#: (durations in milliseconds, beginnings in ticks of 1 / 12800 second) of a file of 50 frames, 512 ticks each.
EDITS: dict[str, list[tuple[int, int]]] = {
    "beginning": [(1400, 512 * 15)],
    "between_frames": [(700, 512 * 15 + 200)],
    "end": [(900, 1024)],
    "both": [(840, 512 * 20)],
    "pause": [(300, -1), (840, 512 * 20)],
    "two": [(500, 512 * 5), (500, 512 * 30)],
    "again": [(800, 512 * 5), (100, -1), (800, 512 * 20)],
    "backwards": [(500, 512 * 30), (400, 512 * 3)],
}


def padded(data: bytes) -> bytes:
    return data + struct.pack(">I4s", FILLING, b"free") + bytes(FILLING - 8)


def check(path: Path, server: VideoServer, *, sorted_times: bool = False) -> None:
    frames, times = decode_fully(path)
    times = np.sort(times) if sorted_times else times
    for video in (path, server.url(path.name)):
        clip = Clip(video)
        some = clip.frames(count=4)
        assert clip.metadata.num_frames == len(frames)
        assert np.array_equal(some.data, frames[some.indices])
        given_back = clip.frames()
        assert np.array_equal(given_back.data, frames)
        assert np.allclose(given_back.pts_seconds, times, rtol=0, atol=1e-9)


@pytest.mark.parametrize("edits", EDITS)
@pytest.mark.parametrize("kind", ["plain", "no_b_frames", "open_gop", "hevc", "av1", "mpeg4", "mov"])
def test_edits(videos: dict[str, Path], tmp_path: Path, kind: str, edits: str) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(padded(with_edits(videos[kind].read_bytes(), EDITS[edits])))
    with VideoServer(tmp_path) as server:
        check(path, server, sorted_times=True)


@pytest.mark.parametrize(("rate", "wide"), [(0x8000, False), (0x20000, False), (0x10000, True)])
def test_rates_and_wide_numbers(videos: dict[str, Path], tmp_path: Path, rate: int, wide: bool) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(padded(with_edits(videos["plain"].read_bytes(), EDITS["both"], rate=rate, wide=wide)))
    with VideoServer(tmp_path) as server:
        check(path, server)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov+default_base_moof", "dash+global_sidx"])
@pytest.mark.parametrize("edits", ["beginning", "pause"])
def test_fragments(videos: dict[str, Path], tmp_path: Path, flags: str, edits: str) -> None:
    path = remux(videos["plain"], tmp_path / "cut.mp4", options={"movflags": flags})
    path.write_bytes(with_edits(path.read_bytes(), EDITS[edits]))
    frames, times = decode_fully(path)
    given_back = Clip(path).frames()
    assert np.array_equal(given_back.data, frames)
    assert np.allclose(given_back.pts_seconds, times, rtol=0, atol=1e-9)


def test_a_cut_costs_what_a_whole_file_costs(tmp_path: Path) -> None:
    options = {"g": "10", "bf": "2", "crf": "1"}
    whole = encode(tmp_path / "whole.mp4", count=250, width=256, height=160, options=options)
    assert whole.stat().st_size > FILLING
    path = tmp_path / "cut.mp4"
    path.write_bytes(with_edits(whole.read_bytes(), [(5000, 512 * 33)]))
    sent = []
    with VideoServer(tmp_path) as server:
        for name in ("whole.mp4", "cut.mp4"):
            server.log.clear()
            Clip(server.url(name)).frames(times=[2.0])
            sent.append(server.sent)
    assert sent[1] < 1.5 * sent[0]


@pytest.mark.parametrize("ending", ["frag.mp4", "mkv"])
@pytest.mark.parametrize("kind", ["open_gop", "hevc"])
def test_frames_that_lean_on_what_was_cut_off(videos: dict[str, Path], tmp_path: Path, kind: str, ending: str) -> None:
    """A copy from a key frame on begins with frames that no decoder gives; it is no reason to read all of a file."""
    path = tmp_path / f"cut.{ending}"
    options = {"movflags": "frag_keyframe+empty_moov"} if ending == "frag.mp4" else {}
    with av.open(str(videos[kind])) as given, av.open(str(path), "w", options=options) as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream)
        packets = [packet for packet in given.demux(stream) if packet.size]
        pairs = enumerate(pairwise(packets))
        first = next(number for number, (key, after) in pairs if key.is_keyframe and after.pts < key.pts)
        for packet in packets[first:]:
            packet.stream = copy
            made.mux(packet)
    frames, times = decode_fully(path)
    assert len(frames) < len(packets) - first
    clip = Clip(path)
    assert clip.metadata.num_frames == len(frames)
    assert np.array_equal(clip.frames(indices=[0, 9, 20]).data, frames[[0, 9, 20]])
    assert np.allclose(clip.frames(size=8).pts_seconds, times, rtol=0, atol=1e-9)


def test_the_reader_of_whole_files_is_left_alone(videos: dict[str, Path], tmp_path: Path) -> None:
    """An edit that shows all of a file changes nothing."""
    path = remux(videos["plain"], tmp_path / "whole.mp4")
    assert Clip(path).metadata == Clip(videos["plain"]).metadata

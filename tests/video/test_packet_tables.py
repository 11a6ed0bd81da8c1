"""The facts of a file's packets that are read without libav are those that libav finds."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from tests.video.made_videos import decode_fully, encode, fully, remux

from video_sft.video import Clip
from video_sft.video._headers.av1_frames import Av1References

STORED = (  # noqa: SIM905 - a column of names would be longer, and no clearer
    "plain moov_in_front open_gop hevc mpeg4 mov rotated_90 variable_rate mkv mkv_without_index mkv_open_gop hevc_mkv "
    "vp8 vp9 odd_vp9 av1 av1_mkv fragmented dash half_fragmented"
).split()


@pytest.mark.parametrize("kind", STORED)
def test_packets_lie_where_they_are_said_to(videos: dict[str, Path], kind: str) -> None:
    track = Clip(videos[kind])._file.track()
    assert track.access == "stored"
    assert track.table is not None
    data = videos[kind].read_bytes()
    with av.open(str(videos[kind])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert len(packets) == len(track.table)
        for row, packet in enumerate(packets):
            at, size = int(track.table.position[row]), int(track.table.size[row])
            assert data[at : at + size] == bytes(packet)
            assert bool(track.table.key[row]) == packet.is_keyframe
            assert int(track.table.pts[row]) == packet.pts


@pytest.mark.parametrize("kind", ["av1", "av1_mkv"])
def test_many_packets_of_av1_need_not_be_decoded(videos: dict[str, Path], kind: str) -> None:
    references = Av1References(Clip(videos[kind])._file.track().header.extradata)
    with av.open(str(videos[kind])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        lighter = [packet for packet in packets if references.needed(packet) is not packet]
    assert len(lighter) > 0.2 * len(packets)


def test_frames_have_the_size_they_decode_to(videos: dict[str, Path], tmp_path: Path) -> None:
    frames, _ = fully(videos["plain"])
    data = bytearray(videos["plain"].read_bytes())
    struct.pack_into(">HH", data, data.index(b"avc1", data.index(b"stsd")) + 28, 128, 96)
    path = tmp_path / "boasting.mp4"
    path.write_bytes(bytes(data))
    clip = Clip(path)
    assert (clip.metadata.width, clip.metadata.height) == (128, 96)
    for _ in range(2):
        assert np.array_equal(clip.frames(indices=[3, 20, 49]).data, frames[[3, 20, 49]])
        assert (clip.metadata.width, clip.metadata.height) == (96, 64)
    assert Clip(path).frames(count=2, size=32).data.shape == (2, 32, 48, 3)


def test_a_stand_in_of_another_size_than_stated(videos: dict[str, Path], tmp_path: Path) -> None:
    frames, _ = fully(videos["no_b_frames"])
    table = Clip(videos["no_b_frames"])._file.track().table
    assert table is not None
    data = bytearray(videos["no_b_frames"].read_bytes())
    struct.pack_into(">HH", data, data.index(b"avc1", data.index(b"stsd")) + 28, 128, 96)
    key = int(table.keys[2])
    at, size = int(table.position[key]), int(table.size[key])
    data[at + 24 : at + size] = bytes(size - 24)
    path = tmp_path / "boasting_and_broken.mp4"
    path.write_bytes(bytes(data))
    found = Clip(path).frames(indices=[key], on_error="nearest")
    assert found.replaced[0].wanted_index == key
    assert np.array_equal(found.data[0], frames[found.indices[0]])


def apart(source: Path, path: Path) -> Path:
    """Give AV1 frames that are only referred to a packet of their own."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream, opaque=stream.codec.name == "libdav1d")
        splitter = BitStreamFilterContext("av1_frame_split", stream)
        pieces: list[Any] = []
        for packet in given.demux(stream):
            whole = packet.pts
            for piece in splitter.filter(packet if packet.size else None):
                pieces.append((bytes(piece), whole if piece.pts is not None else None, piece.is_keyframe))
        last = -1
        for number, (content, pts, key) in enumerate(pieces):
            following = next(time for _, time, _ in pieces[number:] if time is not None)
            last = max(last + 1, following if pts is not None else following - 7)
            packet = av.Packet(content)
            packet.stream, packet.time_base, packet.is_keyframe = copy, stream.time_base, key
            packet.pts = packet.dts = last
            made.mux(packet)
    return path


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_frames_that_are_never_shown_are_not_counted(videos: dict[str, Path], tmp_path: Path, ending: str) -> None:
    path = apart(videos["av1"], tmp_path / f"apart.{ending}")
    frames, times = decode_fully(path)
    with av.open(str(path)) as container:
        assert sum(1 for packet in container.demux(video=0) if packet.size) > len(frames)
    clip = Clip(path)
    everything = clip.frames()
    assert np.array_equal(everything.data, frames)
    assert np.allclose(everything.pts_seconds, times)
    assert clip.metadata.num_frames == len(frames)


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libx264"])
def test_key_frames_are_not_taken_on_trust(videos: dict[str, Path], tmp_path: Path, codec: str) -> None:
    """Some writers mark every block of a WebM file as a key frame."""
    source = videos["vp9" if codec == "libvpx-vp9" else "mkv"]
    frames, _ = decode_fully(source)
    path = tmp_path / "all_keys.mkv"
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream, opaque=stream.codec.name == "libdav1d")
        for packet in given.demux(stream):
            if packet.size:
                packet.stream, packet.is_keyframe = copy, True
                made.mux(packet)
    clip = Clip(path)
    for number in (1, 17, 30, 49):
        assert np.array_equal(clip.frames(indices=[number]).data[0], frames[number])


def test_a_file_that_is_cut_off_is_left_to_libav(videos: dict[str, Path], tmp_path: Path) -> None:
    frames, _ = fully(videos["mkv"])
    path = tmp_path / "cut.mkv"
    path.write_bytes(videos["mkv"].read_bytes()[:20_000])
    clip = Clip(path)
    assert 0 < clip.metadata.num_frames < 50
    assert np.array_equal(clip.frames(indices=[0, 5]).data, frames[[0, 5]])


def test_attachments_and_several_videos(tmp_path: Path) -> None:
    path = encode(tmp_path / "two.mkv", streams=2, audio_codec="aac", options={"g": "12", "bf": "2"})
    for index in (0, 1):
        frames, _ = decode_fully(path, stream_index=index)
        clip = Clip(path, stream_index=index)
        assert clip._file.track().access == "stored"
        assert np.array_equal(clip.frames(indices=[7, 31]).data, frames[[7, 31]])
    assert remux(path, tmp_path / "one.mkv").stat().st_size < path.stat().st_size

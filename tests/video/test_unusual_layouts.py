"""Files that are laid out in unusual ways, and still whole."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from tests.video.made_videos import X264, decode_fully, encode, fully, patch, remux, shown_twice
from tests.video.video_server import VideoServer

from video_sft.video import Clip


def box(kind: bytes, size: int) -> bytes:
    """A box that says nothing."""
    return struct.pack(">I4s", size, kind) + bytes(size - 8)


def with_boxes(data: bytes, kind: bytes, *, in_front: int = 0, between: int = 0) -> bytes:
    """Insert a box behind the first one, and one between the pictures and the table behind them."""
    first, moov = struct.unpack_from(">I", data)[0], data.index(b"moov") - 4
    front = box(kind, in_front) if in_front else b""
    middle = box(kind, between) if between else b""
    made = data[:first] + front + data[first:moov] + middle + data[moov:]
    at = made.index(b"stco") + 8
    (count,) = struct.unpack_from(">I", made, at)
    places = struct.unpack_from(f">{count}I", made, at + 4)
    return patch(made, b"stco", 8, *(place + len(front) for place in places))


@pytest.mark.parametrize(("in_front", "between"), [(0, 24), (0, 70_000), (20_000, 0), (70_000, 300_000)])
@pytest.mark.parametrize("kind", [b"free", b"uuid", b"wide"])
def test_boxes_between_the_parts_of_an_mp4(
    videos: dict[str, Path], tmp_path: Path, kind: bytes, in_front: int, between: int
) -> None:
    frames, times = fully(videos["plain"])
    path = tmp_path / "boxes.mp4"
    path.write_bytes(with_boxes(videos["plain"].read_bytes(), kind, in_front=in_front, between=between))
    with VideoServer(tmp_path) as server:
        for video in (path, path.read_bytes(), server.url(path.name)):
            given_back = Clip(video).frames(indices=[0, 13, 49])
            assert np.array_equal(given_back.data, frames[[0, 13, 49]])
            assert np.allclose(given_back.pts_seconds, times[[0, 13, 49]])


@pytest.mark.parametrize("ending", ["ts", "mkv", "frag.mp4"])
def test_remote_files_without_a_table_have_the_length_they_have(tmp_path: Path, ending: str) -> None:
    """Times that do not begin at zero are no part of a file's length."""
    options = {**X264, "crf": "1", "g": "25"}
    source = encode(tmp_path / "source.mp4", count=250, width=256, height=160, options=options)
    options = {"movflags": "frag_keyframe+empty_moov"} if ending == "frag.mp4" else {}
    path = remux(source, tmp_path / f"long.{ending}", options=options, shift_seconds=1.44)
    assert path.stat().st_size > 2 << 20
    local = Clip(path)
    with VideoServer(tmp_path) as server:
        clip = Clip(server.url(path.name))
        assert clip.metadata.num_frames == local.metadata.num_frames == 250
        assert clip.metadata.begin_seconds == pytest.approx(local.metadata.begin_seconds, abs=1e-3)
        last = float(local.frames(indices=[249], size=8).pts_seconds[0])
        choices = ({"count": 4}, {"count": 3, "method": "endpoints"}, {"fps": 1}, {"times": [last - 4, last]})
        for choice in choices:
            near, exact = clip.frames(**choice), local.frames(**choice)
            assert np.allclose(near.pts_seconds, exact.pts_seconds, atol=1e-3), choice
            assert np.array_equal(near.data, exact.data), choice
        server.log.clear()
        clip.frames(times=[last - 5])
        assert server.sent < path.stat().st_size * 0.8


def test_frames_without_data_are_not_counted(videos: dict[str, Path], tmp_path: Path) -> None:
    data = videos["no_b_frames"].read_bytes()
    table = Clip(videos["no_b_frames"])._file.track().table
    assert table is not None
    row = 49  # the last one, so that the places of the others stay
    made = patch(data, b"stsz", 12 + 4 * row, 0)
    path = tmp_path / "dropped.mp4"
    path.write_bytes(made)
    frames, _ = fully(videos["no_b_frames"])
    clip = Clip(path)
    assert clip.metadata.num_frames == 49
    assert np.array_equal(clip.frames().data, frames[:49])


def test_an_edit_list_that_shows_a_stretch_twice(videos: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "twice.mp4"
    path.write_bytes(shown_twice(videos["plain"].read_bytes()))
    frames, _ = decode_fully(path)
    assert len(frames) > 40
    assert np.array_equal(Clip(path).frames().data, frames)


def test_reordered_frames_whose_container_has_no_times_of_its_own(videos: dict[str, Path], tmp_path: Path) -> None:
    """The decoder knows the order in which they are shown."""
    data = videos["plain"].read_bytes()
    path = tmp_path / "no_ctts.mp4"
    path.write_bytes(data.replace(b"ctts", b"skip"))
    frames, _ = decode_fully(path)
    clip = Clip(path)
    assert np.array_equal(clip.frames().data, frames)
    assert np.array_equal(clip.frames(indices=[7, 30]).data, frames[[7, 30]])


@pytest.mark.parametrize("kind", ["mpeg4", "plain", "hevc"])
def test_frames_that_are_wrongly_said_to_be_key_frames(videos: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "no_stss.mp4"
    path.write_bytes(videos[kind].read_bytes().replace(b"stss", b"skip"))
    frames, _ = fully(videos[kind])
    clip = Clip(path)
    for number in (3, 22, 49):
        assert np.array_equal(clip.frames(indices=[number]).data[0], frames[number])


def test_sets_of_parameters_that_change_within_the_file(tmp_path: Path) -> None:
    """What one part of the file sets up must not reach another, in whatever order they are decoded."""
    import av

    path = tmp_path / "joined.mkv"
    sides = [
        encode(tmp_path / f"{number}.mp4", count=30, options={**X264, "x264-params": f"chroma-qp-offset={8 * number}"})
        for number in (0, 1)
    ]
    with av.open(str(path), "w") as made, av.open(str(sides[0])) as first, av.open(str(sides[1])) as second:
        copy = made.add_stream_from_template(first.streams.video[0])
        setup = bytes(second.streams.video[0].codec_context.extradata)
        units, at = [], 6
        for many in (setup[5] & 31, None):
            count = setup[at] if many is None else many
            at += many is None
            for _ in range(count):
                size = int.from_bytes(setup[at : at + 2], "big")
                units.append(size.to_bytes(4, "big") + setup[at + 2 : at + 2 + size])
                at += 2 + size
        for part, shift in ((first, 0), (second, 15_360 * 2)):
            for packet in part.demux(video=0):
                if packet.size:
                    content = b"".join(units) + bytes(packet) if shift and packet.is_keyframe else bytes(packet)
                    again = av.Packet(content)
                    again.pts, again.dts, again.time_base = packet.pts + shift, packet.dts + shift, packet.time_base
                    again.is_keyframe, again.stream = packet.is_keyframe, copy
                    made.mux(again)
    frames, _ = decode_fully(path)
    clip = Clip(path)
    assert np.array_equal(clip.frames(indices=[50, 20, 35, 5], num_threads=1).data, frames[[50, 20, 35, 5]])

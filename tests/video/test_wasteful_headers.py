"""Headers made to waste time or memory, or to mislead, end soon and in nothing but a `VideoError`."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from tests.video.made_videos import X264, decode_fully, encode, shown_twice
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip
from video_sft.video._headers.bits import Bits


def outcome(data: bytes) -> int | None:
    """How many frames there are; None where the file is refused."""
    try:
        return Clip(data).metadata.num_frames
    except VideoError:
        return None


def test_a_number_that_never_begins_is_given_up() -> None:
    with pytest.raises(ValueError, match="cut off"):
        Bits(bytes(5_000_000)).exp_golomb()


def boxes(data: bytes, kind: bytes) -> list[int]:
    """Where the contents of all boxes of a kind begin."""
    found, at = [], data.find(kind)
    while at >= 0:
        found.append(at + 4)
        at = data.find(kind, at + 4)
    return found


@pytest.mark.parametrize("number", [2**32 - 1, 10_000_000])
def test_a_run_of_samples_beyond_belief(videos: dict[str, Path], number: int) -> None:
    data = bytearray(videos["fragmented"].read_bytes())
    for at in boxes(bytes(data), b"trun"):
        struct.pack_into(">II", data, at, 0x1, number)  # no field of any sample, so that the box need not be long
    assert outcome(bytes(data)) in (None, 50)


def test_times_beyond_all_clocks(videos: dict[str, Path]) -> None:
    data = bytearray(videos["fragmented"].read_bytes())
    for at in boxes(bytes(data), b"tfdt"):
        if data[at] == 1:
            data[at + 4 : at + 12] = b"\xff" * 8
    outcome(bytes(data))
    matroska = videos["mkv_without_index"].read_bytes()
    at = matroska.index(b"\xe7", matroska.index(b"\x1f\x43\xb6\x75"))
    width = matroska[at + 1] & 0x7F
    outcome(matroska[:at] + b"\xe7\x88" + b"\xff" * 8 + matroska[at + 2 + width :])


@pytest.mark.parametrize("tags", [{"NUMBER_OF_FRAMES": "9" * 5000}, {"DURATION": "9" * 400 + ":00:00.0"}])
def test_tags_of_thousands_of_digits(videos: dict[str, Path], tmp_path: Path, tags: dict[str, str]) -> None:
    assert Clip(tagged(videos["mkv"], tmp_path / "tags.mkv", tags)).metadata.num_frames == 50


def tagged(source: Path, path: Path, tags: dict[str, str]) -> Path:
    """Copy a video, with tags of its stream."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        copy = made.add_stream_from_template(given.streams.video[0])
        copy.metadata.update(tags)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = copy
                made.mux(packet)
    return path


def test_tags_that_outlived_a_cut(tmp_path: Path) -> None:
    """Statistics of a longer file do not make a remote one longer than it is."""
    source = encode(tmp_path / "a.mkv", count=250, width=256, height=160, options={**X264, "crf": "1", "g": "25"})
    path = tagged(source, tmp_path / "cut.mkv", {"NUMBER_OF_FRAMES": "4000", "DURATION": "00:02:40.000000000"})
    with VideoServer(tmp_path) as server:
        near = Clip(server.url(path.name)).frames(count=4)
    exact = Clip(path).frames(count=4)
    assert np.array_equal(near.data, exact.data)
    assert np.allclose(near.pts_seconds, exact.pts_seconds)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_times_of_storing_in_place_of_showing(tmp_path: Path, ending: str, codec: str) -> None:
    """Some writers know no others; the decoder then says in which order frames are shown."""
    options = {"bf": "2", "g": "12", "x265-params": "bframes=2:b-adapt=0:keyint=12:log-level=none"}
    source = encode(tmp_path / "source.mp4", codec=codec, count=36, options=options)
    path = tmp_path / f"stored.{ending}"
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        copy = made.add_stream_from_template(given.streams.video[0])
        first = None
        for packet in given.demux(video=0):
            if packet.size:
                first = packet.dts if first is None else first
                packet.pts = packet.dts = packet.dts - first
                packet.stream = copy
                made.mux(packet)
    frames, _ = decode_fully(path)
    clip = Clip(path)
    assert np.array_equal(clip.frames().data, frames)
    for number in (4, 17, 35):
        assert np.array_equal(clip.frames(indices=[number], on_error="nearest").data[0], frames[number])


def test_frames_stand_in_only_for_those_that_cannot_be_had(videos: dict[str, Path], tmp_path: Path) -> None:
    """A file that has to be read from its beginning gives the same frames however errors are to be taken."""
    path = tmp_path / "twice.mp4"
    path.write_bytes(shown_twice(videos["plain"].read_bytes()))
    for on_error in ("raise", "nearest"):
        found = Clip(path).frames(indices=[3, 30], on_error=on_error)  # type: ignore[arg-type]
        assert np.array_equal(found.data, decode_fully(path)[0][[3, 30]])
        assert not found.replaced

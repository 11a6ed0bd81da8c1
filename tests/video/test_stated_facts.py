"""Facts that files state of their pictures, true or not: rates, sizes, mirrors, shapes of pixels, colours."""

from __future__ import annotations

import os
import shutil
import socket
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from tests.video.made_videos import RATE, X264, decode_fully, encode, patch, pictures, remux
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip, read_frames
from video_sft.video._headers.nal_units import x264_build
from video_sft.video._reading.health import what_is_wrong

ONE = 0x10000


@pytest.mark.parametrize("ending", ["mp4", "mkv", "flv", "ts", "avi"])
def test_the_rate_is_that_of_the_frames(tmp_path: Path, ending: str) -> None:
    """Twenty frames a second, in a stream announced with sixty."""
    codec = "mpeg4" if ending == "avi" else "libx264"
    path = encode(tmp_path / f"a.{ending}", codec=codec, rate=60, times=lambda number: 50 * number, options={"bf": "0"})
    times = decode_fully(path)[1]
    expected = (len(times) - 1) / (times[-1] - times[0])
    assert Clip(path).metadata.fps == pytest.approx(expected, rel=1e-3)


def test_a_wrong_rate_does_not_double_the_frames_of_a_remote_file(tmp_path: Path) -> None:
    options = {"crf": "18", "g": "25", "bf": "2"}
    path = encode(tmp_path / "a.mkv", rate=60, count=300, times=lambda number: 40 * number, options=options)
    path.write_bytes(path.read_bytes() + bytes([0xEC, 0x01]) + (3 << 20).to_bytes(7, "big") + bytes(3 << 20))
    with VideoServer(tmp_path) as server:
        clip = Clip(server.url(path.name))
        assert clip.metadata.fps == pytest.approx(25)
        assert clip.metadata.num_frames == pytest.approx(300, abs=2)
        assert server.sent < path.stat().st_size / 2


@pytest.mark.parametrize("kind", ["plain", "mkv", "ts", "flv", "av1_mkv"])
def test_a_rate_that_is_right_is_given_as_it_is_stated(videos: dict[str, Path], kind: str) -> None:
    assert Clip(videos[kind]).metadata.fps == RATE


@pytest.mark.parametrize("ending", ["ts", "h264"])
def test_frames_are_as_large_as_the_first(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    parts = [
        encode(tmp_path / f"{width}.{ending}", width=width, height=64, count=15, options={"bf": "0"}, times=times)
        for width, times in ((160, None), (96, lambda number: 1000 + 40 * number))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with av.open(str(path)) as container:
        widths = [frame.width for frame in container.decode(video=0)]
    assert set(widths) == {160, 96}
    assert widths[0] == 160
    clip = Clip(path)
    assert (clip.metadata.width, clip.metadata.height) == (160, 64)
    assert clip.frames(indices=[0, len(widths) - 1]).data.shape == (2, 64, 160, 3)
    assert clip.frames(indices=[len(widths) - 1]).data.shape == (1, 64, 160, 3)
    assert np.array_equal(clip.frames(indices=[0]).data[0], Clip(parts[0]).frames(indices=[0]).data[0])


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-ONE, 0, 0, ONE), lambda picture: picture[:, ::-1]),
        ((ONE, 0, 0, -ONE), lambda picture: picture[::-1]),
        ((0, ONE, ONE, 0), lambda picture: picture.transpose(1, 0, 2)),
        ((0, -ONE, -ONE, 0), lambda picture: picture[::-1, ::-1].transpose(1, 0, 2)),
        ((0, ONE, -ONE, 0), lambda picture: np.rot90(picture, -1)),
        ((-ONE, 2, -2, -ONE), lambda picture: picture[::-1, ::-1]),
        ((46341, 46341, -46341, 46341), lambda picture: picture),
        ((46341, -46341, 46341, 46341), lambda picture: picture),
    ],
)
@pytest.mark.parametrize("kind", ["plain", "prores", "fragmented"])
def test_matrices(videos: dict[str, Path], tmp_path: Path, kind: str, matrix: tuple[int, ...], shown: object) -> None:
    a, b, c, d = matrix
    path = tmp_path / videos[kind].name
    path.write_bytes(patch(videos[kind].read_bytes(), b"tkhd", 40, a, b, 0, c, d))
    plain = Clip(videos[kind]).frames(indices=[3]).data[0]
    expected = shown(plain)  # type: ignore[operator]
    clip = Clip(path)
    assert np.array_equal(clip.frames(indices=[3]).data[0], expected)
    assert (clip.metadata.height, clip.metadata.width) == expected.shape[:2]
    assert clip.metadata.mirrored == ((a * d - b * c) < 0)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi"])
def test_pixels_that_are_not_square(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4" if ending == "avi" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for picture in pictures(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    clip = Clip(path)
    assert clip.metadata.pixel_aspect_ratio == pytest.approx(4 / 3)
    assert clip.frames(count=1).data.shape == (1, 64, 96, 3)
    assert clip.frames(count=1, square_pixels=True).data.shape == (1, 64, 128, 3)
    assert clip.frames(count=1, size=32, square_pixels=True).data.shape == (1, 32, 64, 3)
    (given,) = read_frames([clip], count=1, size=32, square_pixels=True)
    assert given is not None
    assert given.data.shape == (1, 32, 64, 3)


def test_the_shape_of_pixels_that_only_the_stream_tells(tmp_path: Path) -> None:
    options = {"x264-params": "sar=16/9"}
    data = encode(tmp_path / "a.mp4", options=options, count=5).read_bytes().replace(b"pasp", b"skip")
    assert Clip(data).metadata.pixel_aspect_ratio == pytest.approx(16 / 9)
    assert Clip(encode(tmp_path / "b.mp4", count=5)).metadata.pixel_aspect_ratio == 1


@pytest.mark.parametrize("matrix", [8, *range(10, 15)])
@pytest.mark.parametrize("ending", ["mp4", "ts", "h264"])
def test_colour_matrices_that_are_not_converted(tmp_path: Path, ending: str, matrix: int) -> None:
    names = {8: "YCgCo", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ICtCp"}
    made = [
        encode(tmp_path / f"{name}.{ending}", options={"x264-params": f"colormatrix={name}"}, count=5)
        for name in (names[matrix], "bt2020nc" if matrix == 10 else "undef")
    ]
    unusual, usual = (Clip(path).frames(count=2).data for path in made)
    assert np.array_equal(unusual, usual)


def test_names_with_colons(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(plain, tmp_path / "a::b.mp4")
    monkeypatch.chdir(tmp_path)
    for name in ("a::b.mp4", str(tmp_path / "a::b.mp4"), f"file://{tmp_path}/a::b.mp4"):
        assert Clip(name).metadata.num_frames == 50


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.mp4"))
        for path in (tmp_path / "pipe.mp4", tmp_path / "link.mp4", tmp_path / "s.mp4", Path(os.devnull)):
            with pytest.raises(VideoError, match="pipe or a device"):
                Clip(path).frames(count=1)
            assert "pipe or a device" in (what_is_wrong(path) or "")


@pytest.mark.parametrize("filling", [0, 3 << 20])
def test_servers_that_do_not_tell_sizes(plain: Path, tmp_path: Path, filling: int) -> None:
    (tmp_path / "a.mp4").write_bytes(plain.read_bytes() + (filling + 8).to_bytes(4, "big") + b"free" + bytes(filling))
    with VideoServer(tmp_path, tells_sizes=False) as server:
        clip = Clip(server.url("a.mp4"))
        assert clip.metadata.num_frames == 50
        assert np.array_equal(clip.frames(count=3).data, Clip(plain).frames(count=3).data)


def animation(path: Path, *, durations: list[int]) -> Path:
    first, *others = (Image.fromarray(picture) for picture in pictures(len(durations)))
    first.save(path, save_all=True, append_images=others, duration=durations, lossless=True)
    return path


@pytest.mark.parametrize("remote", [False, True])
def test_animated_webp(tmp_path: Path, remote: bool) -> None:
    path = animation(tmp_path / "a.webp", durations=[100, 50, 200, 100])
    with VideoServer(tmp_path) as server:
        clip = Clip(server.url("a.webp") if remote else path)
        facts, given = clip.metadata, clip.frames()
    assert (facts.num_frames, facts.width, facts.height, facts.container) == (4, 96, 64, "webp")
    assert given.pts_seconds.tolist() == [0.0, 0.1, 0.15, 0.35]
    assert given.duration_seconds.tolist() == pytest.approx([0.1, 0.05, 0.2, 0.1])
    assert np.array_equal(given.data, np.stack(list(pictures(4))))


def test_webp_that_is_cut_short_or_still(tmp_path: Path) -> None:
    data = animation(tmp_path / "a.webp", durations=[40] * 4).read_bytes()
    Image.fromarray(next(pictures(1))).save(tmp_path / "still.webp")
    for broken in (data[:20], data[:40], data[:-200], (tmp_path / "still.webp").read_bytes()):
        with pytest.raises(VideoError, match="bytes in memory"):
            Clip(broken).frames()


def lossy(data: bytes) -> bytes:
    """Leave some packets out of a transport stream, of the pictures and of the sound."""
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    for number in (0x100, 0x101):
        own = [row for row, packet in enumerate(packets) if int.from_bytes(packet[1:3], "big") & 0x1FFF == number]
        for share in (0.4, 0.6):
            begins = [row for row in own[int(len(own) * share) :] if not packets[row][1] & 0x40]
            packets[begins[0]] = b""
    return b"".join(packets)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video", "libx265"])
def test_transport_streams_that_lost_packets(tmp_path: Path, codec: str) -> None:
    """Players show such pictures as the decoder mends them, and so they come, and are named."""
    options = {"x265-params": "keyint=12:log-level=none"} if codec == "libx265" else {"g": "12", "bf": "2"}
    whole = encode(tmp_path / "whole.ts", codec=codec, options=options, audio_codec="aac").read_bytes()
    path = tmp_path / "lossy.ts"
    path.write_bytes(lossy(whole))
    frames, _ = decode_fully(path)
    clip = Clip(path)
    given = clip.frames()
    assert np.array_equal(given.data, frames)
    assert given.mended
    assert not clip.frames(indices=[0], on_error="nearest").mended
    assert not clip.frames(on_error="nearest").mended
    assert "damaged" in (what_is_wrong(path) or "")
    assert clip.audio().duration_seconds == pytest.approx(Clip(whole).audio().duration_seconds, abs=0.2)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "flv"])
def test_decoders_are_told_who_encoded_a_stream(videos: dict[str, Path], tmp_path: Path, ending: str) -> None:
    """The decoder reads 4:4:4 of old versions otherwise, which only the first packet tells of."""
    source = encode(tmp_path / "source.mp4", options=X264, pixel_format="yuv444p")
    path = remux(source, tmp_path / f"a.{ending}")
    with av.open(str(source)) as container:
        build = x264_build(bytes(next(container.demux(video=0))))
    assert build is not None
    assert build > 100
    assert Clip(path)._file.track().header.x264_build == build
    assert x264_build(b"..x264 - core 0000 ..") == 67
    assert x264_build(bytes(100)) is None


def test_four_four_four_of_an_old_encoder(shared: Path) -> None:
    path = shared.parent / "cases" / "video_h264_444_old_x264" / "case.mp4"
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), 61)]
    found = Clip(path).frames(indices=[60, 30, 1])
    assert all(np.array_equal(given, frames[number]) for given, number in zip(found, [60, 30, 1], strict=True))
    assert what_is_wrong(path) is None

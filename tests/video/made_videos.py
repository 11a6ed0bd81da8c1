"""Small videos of every kind that has its own way to go wrong, made with PyAV."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from tests.priority import ordinary_priority

WIDTH, HEIGHT, RATE = 96, 64, 25


def pictures(count: int, width: int = WIDTH, height: int = HEIGHT, seed: int = 7) -> Iterator[np.ndarray]:
    """Noise that drifts, so that no two frames are alike and motion is found."""
    noise = np.random.default_rng(seed).integers(0, 256, (height + 8, width * 2, 3), dtype=np.uint8)
    for number in range(count):
        picture = np.roll(noise, -2 * number, axis=1)[number % 8 : number % 8 + height, :width].copy()
        picture[4:12, 4 + number % (width - 16) : 12 + number % (width - 16)] = (255, number % 256, 0)
        yield picture


def encode(
    path: Path,
    *,
    codec: str = "libx264",
    count: int = 50,
    width: int = WIDTH,
    height: int = HEIGHT,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    format: str | None = None,
    rate: int = RATE,
    times: Callable[[int], int] | None = None,
    streams: int = 1,
    audio_codec: str | None = None,
    interlaced: bool = False,
) -> Path:
    """Write one video; `times` gives each frame's time in milliseconds."""
    with av.open(str(path), "w", format=format, options=container_options or {}) as container:
        videos = []
        for number in range(streams):
            stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
            stream.width, stream.height, stream.pix_fmt = width >> number, height >> number, pixel_format
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            videos.append(stream)
        sound = container.add_stream(audio_codec, rate=48_000) if audio_codec else None
        for number, picture in enumerate(pictures(count, width, height)):
            for order, stream in enumerate(videos):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame = frame.reformat(width >> order, height >> order, pixel_format)
                frame.pts = times(number) if times is not None else number
                frame.time_base = Fraction(1, 1000) if times is not None else Fraction(1, rate)
                container.mux(stream.encode(frame))
        if sound is not None:
            _encode_sound(container, sound, count / rate)
        for stream in videos:
            container.mux(stream.encode(None))
    ordinary_priority()
    return path


def tone(seconds: float, rate: int = 48_000) -> np.ndarray:
    """A sweep: every stretch of it is different."""
    at = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 150 * at) * at)).astype(np.float32)


def _encode_sound(container: Any, stream: Any, seconds: float) -> None:
    samples = tone(seconds)
    size = stream.codec_context.frame_size or 1024
    for start in range(0, len(samples), size):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + size], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def remux(
    source: Path,
    path: Path,
    *,
    format: str | None = None,
    options: dict[str, str] | None = None,
    shift_seconds: float = 0.0,
) -> Path:
    """Copy packets into another container, all times moved."""
    with av.open(str(source)) as given, av.open(str(path), "w", format=format, options=options or {}) as made:
        stream = given.streams.video[0]
        copy = made.add_stream_from_template(stream, opaque=stream.codec.name == "libdav1d")  # it cannot encode
        shift = round(shift_seconds / stream.time_base)
        for packet in given.demux(stream):
            if packet.dts is None:
                continue
            packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copy
            made.mux(packet)
    return path


def patch(data: bytes, box: bytes, offset: int, *values: int) -> bytes:
    """Overwrite 32-bit numbers of an MP4 box, counted from behind its name."""
    at = data.index(box) + 4 + offset
    return data[:at] + struct.pack(f">{len(values)}i", *values) + data[at + 4 * len(values) :]


def with_edits(data: bytes, edits: list[tuple[int, int]], *, rate: int = 0x10000, wide: bool = False) -> bytes:
    """Give the first track of an MP4 other edits.

    Args:
        data: the file.
        edits: (duration in the movie's ticks, beginning in the track's ticks, or -1 for a pause).
        rate: of all edits, in 16.16 fixed-point numbers.
        wide: with numbers of 64 bits.
    """
    rows = b"".join(struct.pack(">qqi" if wide else ">iii", *edit, rate) for edit in edits)
    content = struct.pack(">IIII", 16 + len(rows), int.from_bytes(b"elst", "big"), int(wide) << 24, len(edits)) + rows
    made = struct.pack(">I4s", 8 + len(content), b"edts") + content
    at = data.find(b"edts") - 4
    old = struct.unpack_from(">I", data, at)[0] if at >= 0 else 0
    at = at if at >= 0 else data.index(b"mdia") - 4
    grown, moov = bytearray(data[:at] + made + data[at + old :]), data.index(b"moov")
    for outer in (b"trak", b"moov"):
        place = data.index(outer) - 4
        struct.pack_into(">I", grown, place, struct.unpack_from(">I", data, place)[0] + len(made) - old)
    places = grown.index(b"stco") + 8
    for number in range(struct.unpack_from(">I", grown, places)[0]):
        place = places + 4 + 4 * number
        (position,) = struct.unpack_from(">I", grown, place)
        struct.pack_into(">I", grown, place, position + (len(made) - old) * (position > moov))
    return bytes(grown)


def shown_twice(data: bytes) -> bytes:
    """Give an MP4 an edit list that shows its first half two times."""
    duration, media_time, _ = struct.unpack_from(">Iii", data, data.index(b"elst") + 12)
    return with_edits(data, 2 * [(duration // 2, media_time)])


def sound_alone(path: Path) -> Path:
    """Write a file with a little silence and nothing to see."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


X264 = {"g": "12", "bf": "3", "preset": "veryfast"}
AV1 = {"g": "24", "preset": "12", "svtav1-params": "lp=1"}
OPEN_GOP = {**X264, "x264-params": "open-gop=1:keyint=12:scenecut=0"}


def make_every_kind(folder: Path) -> dict[str, Path]:
    """Make one of each kind.

    Returns:
        Paths by the name of the kind.
    """
    videos = {
        "plain": encode(folder / "plain.mp4", options=X264),
        "moov_in_front": encode(folder / "front.mp4", options=X264, container_options={"movflags": "faststart"}),
        "no_b_frames": encode(folder / "nob.mp4", options={"g": "12", "bf": "0"}),
        "one_key_frame": encode(folder / "onekey.mp4", options={**X264, "g": "500"}),
        "open_gop": encode(folder / "open.mp4", options=OPEN_GOP),
        "intra_refresh": encode(folder / "refresh.mp4", options={"x264-params": "intra-refresh=1:keyint=12"}),
        "ten_bit": encode(folder / "ten.mp4", options=X264, pixel_format="yuv420p10le"),
        "odd_444": encode(folder / "odd.mp4", options=X264, pixel_format="yuv444p", width=97, height=63),
        "odd_vp9": encode(folder / "odd.webm", codec="libvpx-vp9", width=97, height=63, options={"g": "12"}),
        "interlaced": encode(folder / "fields.mp4", options={**X264, "x264-params": "interlaced=1"}),
        "hevc": encode(folder / "hevc.mp4", codec="libx265", options={"x265-params": "keyint=12:log-level=none"}),
        "hevc_layers": encode(
            folder / "layers.mp4",
            codec="libx265",
            options={"x265-params": "temporal-layers=3:keyint=12:log-level=none"},
        ),
        "variable_rate": encode(folder / "vfr.mp4", options=X264, times=lambda n: n * 20 + n * n),
        "several_streams": encode(folder / "several.mp4", options=X264, streams=2, audio_codec="aac"),
        "mpeg4": encode(folder / "mpeg4.mp4", codec="mpeg4", options={"g": "12", "bf": "2"}),
        "mpeg4_avi": encode(folder / "mpeg4.avi", codec="mpeg4", options={"g": "12"}),
        "mjpeg_avi": encode(folder / "mjpeg.avi", codec="mjpeg", pixel_format="yuvj420p"),
        "vp8": encode(
            folder / "vp8.webm",
            codec="libvpx",
            options={"g": "20", "auto-alt-ref": "1", "lag-in-frames": "16", "b": "100k", "deadline": "realtime"},
        )
        if "libvpx" in av.codecs_available
        else encode(folder / "vp8.webm", codec="libvpx-vp9", options={"g": "20"}),
        "vp9": encode(folder / "vp9.webm", codec="libvpx-vp9", options={"g": "12", "deadline": "realtime"}),
        "av1": encode(folder / "av1.mp4", codec="libsvtav1", options=AV1),
        "gif": encode(folder / "a.gif", codec="gif", pixel_format="rgb8", count=20, rate=10),
        "prores": encode(folder / "prores.mov", codec="prores_ks", pixel_format="yuv422p10le", count=10),
        "mpeg2_ts": encode(folder / "mpeg2.ts", codec="mpeg2video", options={"g": "12", "bf": "2"}),
        "mpeg_ps": encode(folder / "mpeg2.mpg", codec="mpeg2video", options={"g": "12", "bf": "2"}),
    }
    videos |= _rewrapped(folder, videos)
    videos |= _patched(folder, videos)
    return videos


def _rewrapped(folder: Path, videos: dict[str, Path]) -> dict[str, Path]:
    plain, opened = videos["plain"], videos["open_gop"]
    return {
        "mkv": remux(plain, folder / "plain.mkv"),
        "mkv_without_index": remux(plain, folder / "live.mkv", options={"live": "1"}),
        "mkv_open_gop": remux(opened, folder / "open.mkv"),
        "mov": remux(plain, folder / "plain.mov"),
        "avi_reordered": encode(folder / "plain.avi", options=X264),
        "flv": remux(plain, folder / "plain.flv"),
        "ts": remux(plain, folder / "plain.ts"),
        "ts_open_gop": remux(opened, folder / "open.ts"),
        "raw_h264": remux(plain, folder / "plain.h264", format="h264"),
        "fragmented": remux(plain, folder / "frag.mp4", options={"movflags": "frag_keyframe+empty_moov"}),
        "dash": remux(plain, folder / "dash.mp4", options={"movflags": "dash+global_sidx", "frag_duration": "400000"}),
        "half_fragmented": remux(plain, folder / "half.mp4", options={"movflags": "frag_keyframe"}),
        "late_start": remux(plain, folder / "late.mp4", shift_seconds=1.52),
        "negative_start": remux(
            plain, folder / "negative.mp4", shift_seconds=-0.72, options={"avoid_negative_ts": "disabled"}
        ),
        "interlaced_ts": remux(videos["interlaced"], folder / "fields.ts"),
        "hevc_mkv": remux(videos["hevc"], folder / "hevc.mkv"),
        "av1_mkv": remux(videos["av1"], folder / "av1.mkv"),
    }


def _patched(folder: Path, videos: dict[str, Path]) -> dict[str, Path]:
    """Display matrices, and edit lists that cut frames off at the beginning and the end, which no muxer writes."""
    made = {}
    data = videos["plain"].read_bytes()
    for degrees, (sine, cosine) in {90: (1 << 16, 0), 180: (0, -1 << 16), 270: (-1 << 16, 0)}.items():
        path = folder / f"turned{degrees}.mp4"
        path.write_bytes(patch(data, b"tkhd", 40, cosine, -sine, 0, sine, cosine))
        made[f"rotated_{degrees}"] = path
    duration, media_time, rate = struct.unpack_from(">Iii", data, data.index(b"elst") + 12)
    for kind, values in {
        "edit_cuts_beginning": (duration - 520, media_time + 512 * 13, rate),
        "edit_cuts_end": (duration - 700, media_time, rate),
    }.items():
        path = folder / f"{kind}.mp4"
        path.write_bytes(patch(data, b"elst", 8, *values))
        made[kind] = path
    return made


def decode_fully(video: Path | bytes, stream_index: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Decode a whole stream plainly.

    Returns:
        Frames (N, H, W, 3), turned upright, and their times in seconds.
    """
    with av.open(io.BytesIO(video) if isinstance(video, bytes) else str(video)) as container:
        stream = container.streams.video[0] if stream_index is None else container.streams[stream_index]
        frames, times = [], []
        for frame in container.decode(stream):
            frames.append(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))
            times.append(float("nan") if frame.pts is None else float(frame.pts * frame.time_base))
    return np.stack(frames), np.array(times)


@cache
def fully(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Decode the first video of a file, once in a session."""
    return decode_fully(path)

"""Safe opening of files with libav: known formats only, no network, no second file, and errors that name the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource, LocalBytes, SeekableFile
from video_sft.video._frames import AudioTrack
from video_sft.video._headers.pixel_aspect import pixel_aspect

__all__ = [
    "MAX_PIXELS", "Header", "failing", "for_libav", "header_of", "open_container", "pixel_aspect_of", "video_stream",
    "video_streams",
]  # fmt: skip

#: Formats that hold a video in one file. Playlists (HLS, DASH, concat) are left out on purpose: they open other files
#: and URLs.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,gif,apng,flv,live_flv,asf,ogg,h264,hevc,obu,av1,ivf,"
    "mxf,nut,wtv,dv,rm,swf,y4m,yuv4mpegpipe,mjpeg,aac,mp3,wav,flac"
)

#: Larger pictures are refused before anything is allocated for them: 16,384 x 8,192.
MAX_PIXELS = 1 << 27

#: Codecs whose pictures are drawn on a canvas that is kept whole, several times over; a file of a few hundred bytes can
#: state any size of it.
_KEEPS_CANVAS = frozenset({"gif", "apng"})
_MAX_CANVAS = 1 << 25

#: Pixels farther from square are taken for a mistake.
_NARROWEST = Fraction(1, 16)

_CLOCK = re.compile(r"(\d{1,6}):(\d\d):(\d\d(?:\.\d+)?)", re.ASCII)

#: Tags that are no UTF-8 are data, not an error. PyAV reads them so by itself from 19 on, and has no such option there.
_TAGS = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}

#: libav's AV_FIELD_PROGRESSIVE.
_PROGRESSIVE = 1

#: libav's own errors, and what PyAV lets through on malformed headers.
_ERRORS = (
    av.FFmpegError, OSError, EOFError, ValueError, IndexError, KeyError, ArithmeticError, MemoryError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What a file's header says of one video stream; enough to make decoders without the container.

    Attributes:
        stream_index: among all streams of the file.
        stream_id: the container's own number for it: the track id in MP4.
        decoder: libav's name of the decoder.
        codec: the usual name of the codec.
        extradata: the decoder's set-up bytes.
        width: of the stored picture.
        height: of the stored picture.
        colorspace: libav's number.
        color_range: libav's number.
        progressive: whether pictures are whole frames rather than fields; None where PyAV, before 18, does not say.
        reorders: whether frames are stored in another order than they are shown in.
        time_base: seconds in a tick.
        average_rate: frames a second, or None.
        num_frames: as stated, 0 where it is not.
        start_tick: when the first frame is shown, or None.
        container: the format's first name.
        container_seconds: length of the whole file as stated, or None.
        stated_end: when the last frame ends, in seconds, as tags of the stream state it, or None.
        stated_frames: how many frames there are, as tags of the stream state it, or None.
        audio: the first audio track, or None.
        x264_build: version of x264 that encoded H.264, where its first packet was looked at and says so.
        pixel_aspect_ratio: width of a stored pixel by its height, or None; see `pixel_aspect_of`.
    """

    stream_index: int
    decoder: str
    codec: str
    width: int
    height: int
    time_base: Fraction
    num_frames: int
    container: str
    stream_id: int = 0
    extradata: bytes = b""
    colorspace: int = 0
    color_range: int = 0
    progressive: bool | None = True
    reorders: bool = False
    average_rate: Fraction | None = None
    start_tick: int | None = 0
    container_seconds: float | None = None
    stated_end: float | None = None
    stated_frames: int | None = None
    audio: AudioTrack | None = None
    x264_build: int | None = None
    pixel_aspect_ratio: Fraction | None = None


class _Failing:
    """What `failing` gives. A generator of it, in another one that is closed early, leaves a cycle in Python 3.10."""

    def __init__(self, name: str, doing: str) -> None:
        self._name = name
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, _ERRORS):
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise VideoError(self._name, f"{self._doing}: {reason}") from error


def failing(name: str, doing: str) -> AbstractContextManager[None]:
    """Turn whatever libav raises within the block into a `VideoError` that names the file."""
    return _Failing(name, doing)


def for_libav(file: ByteSource) -> str | SeekableFile:
    """Give a byte source in the form libav opens: local files by name, which is fastest, others as a file object."""
    return f"file:{file.name}" if isinstance(file, LocalBytes) else SeekableFile(file)


@contextmanager
def open_container(
    file: str | SeekableFile, name: str, *, quick: bool = False, decoders: bool = False
) -> Iterator[Any]:
    """Open a file; it is closed at the end of the block.

    Args:
        file: a ``file:`` URL or a file object at its beginning.
        name: for messages.
        quick: decode nothing while opening. Only right for the header, with decoders made by `make_context`: libav then
            misses how far frames are reordered, and its own decoder loses some.
        decoders: with `quick`, let decoders see the header, which takes some of them as long as a frame.

    Raises:
        VideoError: this is no video, or its header is broken; or, at the end of the block, its bytes could not be had.
    """
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    if quick:
        options |= {"skip_frame": "all", "probesize": "32"} | ({} if decoders else {"codec_whitelist": "none"})
    try:
        with failing(name, "is not a video that can be opened"):
            container = av.open(file, mode="r", options=options, **_TAGS)
        with closing(container):
            yield container
    finally:
        if isinstance(file, SeekableFile) and file.failure is not None:
            raise file.failure


def video_stream(container: Any, name: str, stream_index: int | None) -> Any:
    """Pick the stream to decode: the one asked for, else the file's first that is not a cover picture.

    Raises:
        VideoError: there is none, nothing can decode it, or its canvas is too large.
    """
    videos = video_streams(container)
    if stream_index is not None:
        videos = [stream for stream in videos if stream.index == stream_index]
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "no streams at all"
        wanted = "no video" if stream_index is None else f"no video stream {stream_index}"
        raise VideoError(name, f"there is {wanted} in the file ({kinds})")
    stream = videos[0]
    if stream.codec_context is None or not stream.time_base:
        raise VideoError(name, "its video is in a codec that cannot be decoded here")
    context = stream.codec_context
    if stream.codec.canonical_name in _KEEPS_CANVAS and context.width * context.height > _MAX_CANVAS:
        size = f"{context.width} x {context.height}"
        raise VideoError(
            name, f"its canvas of {size} pixels is beyond the limit of {_MAX_CANVAS:,} for animated pictures"
        )
    return stream


def video_streams(container: Any) -> list[Any]:
    """Give the file's videos, without cover pictures."""
    return [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]


def header_of(container: Any, stream: Any) -> Header:
    """Collect what the header says; nothing is decoded."""
    context = stream.codec_context
    rate = stream.average_rate
    return Header(
        stream_index=stream.index,
        stream_id=stream.id,
        decoder=stream.codec.name,
        codec=stream.codec.canonical_name,
        extradata=bytes(context.extradata or b""),
        width=context.width,
        height=context.height,
        colorspace=context.colorspace,
        color_range=context.color_range,
        progressive=_is_progressive(context),
        reorders=bool(context.has_b_frames),
        time_base=Fraction(stream.time_base),
        average_rate=Fraction(rate) if rate else None,
        num_frames=stream.frames,
        start_tick=stream.start_time,
        container=container.format.name.split(",")[0],
        container_seconds=container.duration / 1e6 if container.duration else None,
        stated_end=_stated_end(stream.metadata),
        stated_frames=_stated_frames(stream.metadata),
        audio=_audio(container),
        pixel_aspect_ratio=stream.sample_aspect_ratio or context.sample_aspect_ratio,
    )


def pixel_aspect_of(header: Header) -> Fraction:
    """Return the width of a stored pixel by its height; 1 where nothing says so."""
    stated = header.pixel_aspect_ratio or pixel_aspect(header.codec, header.extradata)
    return stated if stated and _NARROWEST <= stated <= 1 / _NARROWEST else Fraction(1)


def _is_progressive(context: Any) -> bool | None:
    order = getattr(context, "field_order", None)  # from PyAV 18 on
    return None if order is None else order == _PROGRESSIVE


def _stated_end(tags: Mapping[str, str]) -> float | None:
    """Read Matroska's statistics tags; writers add the language to their names, some of them."""
    for name in ("DURATION", "DURATION-eng"):
        match = _CLOCK.fullmatch(tags.get(name, ""))
        if match:
            hours, minutes, seconds = match.groups()
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return None


def _stated_frames(tags: Mapping[str, str]) -> int | None:
    texts = (tags.get(name, "") for name in ("NUMBER_OF_FRAMES", "NUMBER_OF_FRAMES-eng"))
    return next((int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10), None)


def _audio(container: Any) -> AudioTrack | None:
    for stream in container.streams.audio:
        if stream.codec_context is not None:
            return AudioTrack(
                stream.codec.canonical_name, stream.codec_context.sample_rate, stream.codec_context.channels
            )
    return None

"""Decoders that are fed packets and hand out the frames that are wanted, and only those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import av

from video_sft.video._headers.av1_frames import Av1References
from video_sft.video._headers.libav import MAX_PIXELS, Header, failing
from video_sft.video._headers.nal_units import single_layer

__all__ = ["Deliver", "decode_all", "decode_group", "make_context", "options_of"]

#: Called with a frame's number and the frame.
Deliver = Callable[[int, Any], None]

#: Decoders whose frames, some of them, come out different where several are decoded at once.
_DIFFERS_WITH_THREADS = frozenset({"mpeg4"})

#: Where several frames are decoded at once, each waits for rows of the one before: twice the threads keep all
#: processors busy. libdav1d, which decodes AV1, manages that by itself.
_WAITS, _WAITING = frozenset({"h264", "vp9"}), 2


def make_context(header: Header, threads: int) -> Any:
    """Make a decoder of its own for a stream, independent of any container and so usable in any one thread.

    It keeps so many processors busy; with more than one, several frames are decoded at once.
    """
    context = av.CodecContext.create(header.decoder, "r")
    context.width, context.height = header.width, header.height
    if header.extradata:
        context.extradata = header.extradata
    context.colorspace, context.color_range = header.colorspace, header.color_range
    frames_apart = threads > 1 and header.codec not in _DIFFERS_WITH_THREADS
    context.thread_type = "FRAME" if frames_apart else "SLICE"
    context.thread_count = threads * (_WAITING if frames_apart and header.codec in _WAITS else 1)
    context.options = {"max_pixels": str(MAX_PIXELS)}
    if header.codec == "h264":
        # Without reorder information in the stream, libav guesses how far frames are reordered and drops those that
        # come late; in strict mode it takes the most that the stream's level allows.
        context.options |= {"strict": "1"} | options_of(header)
    return context


def options_of(header: Header) -> dict[str, str]:
    """Return what a decoder that begins in the middle has to be told of a stream."""
    return {} if header.x264_build is None else {"x264_build": str(header.x264_build)}


def _skips_safely(header: Header) -> bool:
    """Tell whether the decoder may leave out frames that are marked as needed by no other frame.

    In HEVC with temporal layers the mark only speaks of a frame's own layer.
    """
    return header.codec in ("h264", "mpeg4") or (header.codec == "hevc" and single_layer(header.extradata))


def decode_group(
    context: Any, header: Header, packets: Iterable[tuple[int, bool, Any]], first_shown: int, deliver: Deliver
) -> int | None:
    """Decode packets from a key packet on, and deliver every frame that comes out, marked by its packet's ``pts``.

    Unwanted frames that no other frame needs are left out. A decoder serves no second run: some take frames that seem
    to be out of order for damage, and what the packets of one run change in the decoder's set-up would hold for others.
    To make one takes a twentieth of a millisecond.

    Args:
        context: a fresh decoder.
        header: of the stream.
        packets: (packet number, whether its frame is wanted, packet); a packet's ``pts`` is its frame's number.
        first_shown: number of the first frame that can be right; earlier ones lean on packets before the first.
        deliver: takes the frames.

    Returns:
        The number of the first packet that is damaged; frames of that packet and later ones are not to be trusted.
        None when all is well.
    """
    skips = _skips_safely(header)
    references = Av1References(header.extradata) if header.codec == "av1" else None
    damaged: int | None = None
    rows: dict[int, int] = {}

    def decode(packet: Any) -> None:
        nonlocal damaged
        try:
            frames = context.decode(packet)
        except av.FFmpegError:
            if damaged is None:  # the earliest that it may be about: decoders with threads tell it late
                lag = context.thread_count
                damaged = min(list(rows.values())[-1 - lag if lag > 1 else -1 :], default=0)
            return
        for frame in frames:
            if frame.pts is None or frame.pts < first_shown:
                continue
            if frame.is_corrupt:
                row = rows.get(frame.pts, 0)
                damaged = row if damaged is None else min(damaged, row)
            deliver(frame.pts, frame)

    for row, wanted, packet in packets:
        if packet.is_corrupt and damaged is None:
            damaged = row
        if references is not None:
            number, needed = packet.pts, references.needed(packet)
            if not wanted and needed is None:
                continue
            if not wanted and needed is not packet:
                packet = _own_packet(needed)
                packet.pts = number
        rows[packet.pts] = row
        if skips:
            context.skip_frame = "DEFAULT" if wanted else "NONREF"
        decode(packet)
    decode(None)
    context.flush_buffers()
    return damaged


def _own_packet(data: bytes) -> Any:
    """Copy data into a packet.

    One made of the bytes themselves takes Python's lock when the decoder is done with it. Where a thread of the decoder
    does that while the decoder is being closed, which holds the lock, neither ever ends.
    """
    packet = av.Packet(len(data))
    packet.update(data)
    return packet


def decode_all(
    container: Any, stream: Any, name: str, begin_by: int | None = None, *, losses: list[bool] | None = None
) -> Iterator[tuple[Any, bool]]:
    """Decode a stream from where the container stands, past damaged packets.

    Args:
        container: open, and used by nobody else meanwhile.
        stream: of it.
        name: of the file, for messages.
        losses: gets an item for each packet of which the container says that something is missing.
        begin_by: read no further when packets are stored later than this tick and no whole frame has come yet.

    Yields:
        Each frame, and whether it is whole: after damage, frames count as broken up to the next key frame.

    Raises:
        VideoError: the container itself cannot be read on.
    """
    whole, begun = True, begin_by is None
    with failing(name, "cannot be read"):
        for packet in container.demux(stream):
            if not packet.size and packet.dts is not None:
                continue  # a frame that repeats the one before; to a decoder it would mean the end
            lost = packet.is_corrupt
            if lost and losses is not None:
                losses.append(True)
                whole = False  # not all decoders notice
            if not begun and begin_by is not None and packet.dts is not None and packet.dts > begin_by:
                return
            try:
                frames = stream.codec_context.decode(packet if packet.size else None)
            except av.FFmpegError:
                whole = False
                continue
            for frame in frames:
                whole = not frame.is_corrupt and (whole or frame.key_frame)
                begun = begun or whole
                yield frame, whole

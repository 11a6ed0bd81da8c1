"""What no other frame of an H.264 or HEVC stream needs, and how its frames can be decoded in parallel.

Frames that are not referred to say so in the header of their NAL units (ITU-T H.264, 7.4.1; H.265, 7.4.2.2). The
decoder leaves them out by itself where it is told to, but a packet that is never given to it costs nothing, and does
not take the turn of one of its threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from video_sft.video._headers.bits import Bits

__all__ = ["NalReferences", "has_wavefronts", "leans_on_later", "single_layer", "starts_afresh", "x264_build"]

#: By codec: slices of coded pictures, and units that change nothing for other pictures (delimiters, messages, filling).
_H264_SLICES, _H264_HARMLESS = range(1, 6), frozenset({6, 9, 12})
_HEVC_SLICES, _HEVC_HARMLESS = range(32), frozenset({35, 38, 39, 40})
_H264_SETS, _HEVC_SETS = frozenset({7, 8}), frozenset({32, 33, 34})
#: Pictures at which decoding begins as if nothing had come before.
_H264_AFRESH, _HEVC_AFRESH = frozenset({5}), frozenset({19, 20})
#: HEVC's kinds of pictures that no picture of the same layer refers to.
_HEVC_UNREFERENCED = frozenset(range(0, 16, 2))

_HVCC_HEADER = 23
_SHORTEST_AVCC = 6
_B_SLICE = 1
_PICTURE_PARAMETERS = 34


#: How x264 signs the first packet of a stream, and what it wrote where its version was not known when it was built.
_X264, _X264_UNKNOWN = re.compile(rb"x264 - core (\d{1,6})"), (b"0000", 67)


def x264_build(packet: bytes) -> int | None:
    """Return the version of x264 that a packet says made it.

    Versions before 151 wrote the colours of 4:4:4 otherwise than the standard has it, and early ones a little of the
    rest. The decoder knows how to read that, but only the first packet tells it to.
    """
    found = _X264.search(packet)
    if found is None:
        return None
    return _X264_UNKNOWN[1] if found[1] == _X264_UNKNOWN[0] else int(found[1])


class NalReferences:
    """Looks at the packets of one stream, whose units are preceded by their lengths.

    Args:
        codec: ``h264`` or ``hevc``.
        extradata: the content of the ``avcC`` or ``hvcC`` box.

    Attributes:
        changes_set_up: whether a packet so far has changed the set-up that the extradata holds.
    """

    changes_set_up = False

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._hevc = codec == "hevc"
        self._width = (extradata[21 if self._hevc else 4] & 3) + 1

    def needed(self, packet: Any) -> Any:
        """Give the packet itself where others may lean on it, or it cannot be read; None where none does."""
        data, at, slices = memoryview(packet), 0, 0
        width, size = self._width, packet.size
        while at + width < size:
            length = int.from_bytes(data[at : at + width], "big")
            if not self._is_needless(data[at + width]):
                return packet
            slices += 1
            at += width + length
        return None if slices and at == size else packet

    def _is_needless(self, head: int) -> bool:
        if (head >> 1 & 63 in _HEVC_SETS) if self._hevc else (head & 31 in _H264_SETS):
            self.changes_set_up = True
        if self._hevc:
            kind = head >> 1 & 63
            return kind in _HEVC_UNREFERENCED if kind in _HEVC_SLICES else kind in _HEVC_HARMLESS
        kind = head & 31
        return not head & 0x60 if kind in _H264_SLICES else kind in _H264_HARMLESS


def leans_on_later(beginning: bytes, avcc: bytes) -> bool:
    """Tell whether an H.264 picture may lean on ones shown later, that is, whether it has B slices.

    Args:
        beginning: of the packet, up to the header of its first slice; False where that is not reached.
        avcc: the decoder's set-up.
    """
    if len(avcc) < _SHORTEST_AVCC or avcc[0] != 1:
        return False
    width, at = (avcc[4] & 3) + 1, 0
    while at + width < len(beginning):
        if beginning[at + width] & 31 in (1, 5):
            bits = Bits(beginning[at + width + 1 : at + width + 17].replace(b"\0\0\3", b"\0\0"))
            bits.exp_golomb()  # the first macroblock
            return bits.exp_golomb() % 5 == _B_SLICE
        at += width + int.from_bytes(beginning[at : at + width], "big")
    return False


def starts_afresh(beginning: bytes, codec: str, setup: bytes) -> bool:
    """Tell whether an H.264 or HEVC decoder forgets all earlier pictures at a key frame, as not at each it does.

    Args:
        beginning: of the packet, up to the header of its first slice; False where that is not reached.
        codec: ``h264`` or ``hevc``.
        setup: the content of the ``avcC`` or ``hvcC`` box.
    """
    hevc = codec == "hevc"
    if len(setup) < (_HVCC_HEADER if hevc else _SHORTEST_AVCC) or setup[0] != 1:
        return False
    width, at = (setup[21 if hevc else 4] & 3) + 1, 0
    while at + width < len(beginning):
        head = beginning[at + width]
        kind = head >> 1 & 63 if hevc else head & 31
        if kind in (_HEVC_SLICES if hevc else _H264_SLICES):
            return kind in (_HEVC_AFRESH if hevc else _H264_AFRESH)
        at += width + int.from_bytes(beginning[at : at + width], "big")
    return False


def single_layer(hvcc: bytes) -> bool:
    """Tell whether an HEVC stream has but one temporal layer; what a frame says of itself then holds for all others."""
    return len(hvcc) >= _HVCC_HEADER and hvcc[0] == 1 and hvcc[21] >> 3 & 7 == 1


def has_wavefronts(hvcc: bytes) -> bool:
    """Tell whether the rows of an HEVC picture may be decoded side by side (``entropy_coding_sync_enabled_flag``)."""
    try:
        sets = list(_parameter_sets(hvcc))
        return bool(sets) and all(_synchronises(unit) for unit in sets)
    except (ValueError, IndexError):
        return False


def _parameter_sets(hvcc: bytes) -> Iterator[bytes]:
    """Yield the picture parameter sets of an ``hvcC`` box, without their headers."""
    if len(hvcc) < _HVCC_HEADER or hvcc[0] != 1:
        return
    at = _HVCC_HEADER
    for _ in range(hvcc[22]):
        kind, count, at = hvcc[at] & 63, int.from_bytes(hvcc[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            length = int.from_bytes(hvcc[at : at + 2], "big")
            if kind == _PICTURE_PARAMETERS:
                yield hvcc[at + 4 : at + 2 + length].replace(b"\0\0\3", b"\0\0")
            at += 2 + length


def _synchronises(unit: bytes) -> bool:
    """Read a picture parameter set (H.265, 7.3.2.3.1) up to its flag of that name."""
    bits = Bits(unit)
    bits.exp_golomb()  # its own number
    bits.exp_golomb()  # that of the sequence's set
    bits.take(7)
    for _ in range(3):  # default numbers of references, initial quantiser
        bits.exp_golomb()
    bits.take(2)
    if bits.flag():  # changes of the quantiser
        bits.exp_golomb()
    bits.exp_golomb()  # its offsets for colours
    bits.exp_golomb()
    bits.take(5)  # offsets in slices, weights twice, lossless parts, tiles
    return bits.flag()

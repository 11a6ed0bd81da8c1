"""Facts that the NAL units of H.264 and HEVC streams state of their pictures, beyond what libav tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from video_sft.video._headers.bits import Bits

__all__ = ["leans_on_later", "single_layer", "starts_afresh", "x264_build"]

#: By codec: slices of coded pictures, and those of pictures at which decoding begins as if nothing had come before.
_H264_SLICES, _HEVC_SLICES = range(1, 6), range(32)
_H264_AFRESH, _HEVC_AFRESH = frozenset({5}), frozenset({19, 20})

_HVCC_HEADER = 23
_SHORTEST_AVCC = 6
_B_SLICE = 1

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


def leans_on_later(beginning: bytes, avcc: bytes) -> bool:
    """Tell whether an H.264 picture has B slices, which lean on later ones; False where no slice's header is there."""
    for unit in _units(beginning, avcc, hevc=False):
        if unit[0] & 31 in (1, 5):
            bits = Bits(unit[1:17].replace(b"\0\0\3", b"\0\0"))
            bits.exp_golomb()  # the first macroblock
            return bits.exp_golomb() % 5 == _B_SLICE
    return False


def starts_afresh(beginning: bytes, codec: str, setup: bytes) -> bool:
    """Tell whether an H.264 or HEVC decoder forgets all earlier pictures at a key frame, as not at each it does.

    The beginning of the packet has to reach the header of its first slice; the set-up is that of ``avcC`` or ``hvcC``.
    """
    hevc = codec == "hevc"
    slices, afresh = (_HEVC_SLICES, _HEVC_AFRESH) if hevc else (_H264_SLICES, _H264_AFRESH)
    kinds = (unit[0] >> 1 & 63 if hevc else unit[0] & 31 for unit in _units(beginning, setup, hevc=hevc))
    return next((kind in afresh for kind in kinds if kind in slices), False)


def _units(packet: bytes, setup: bytes, *, hevc: bool) -> Iterator[bytes]:
    """Yield the units of a packet, each behind its length, as far as they go; none where the set-up is no box's."""
    if len(setup) < (_HVCC_HEADER if hevc else _SHORTEST_AVCC) or setup[0] != 1:
        return
    width, at = (setup[21 if hevc else 4] & 3) + 1, 0
    while at + width < len(packet):
        end = at + width + int.from_bytes(packet[at : at + width], "big")
        yield packet[at + width : max(end, at + width + 1)]
        at = end


def single_layer(hvcc: bytes) -> bool:
    """Tell whether an HEVC stream has but one temporal layer; what a frame says of itself then holds for all others."""
    return len(hvcc) >= _HVCC_HEADER and hvcc[0] == 1 and hvcc[21] >> 3 & 7 == 1

"""The shape of a stream's pixels, as the set-up of its decoder states it.

Containers need not repeat it, and libav tells it of H.264 only after decoding: reading it here saves that for each file
whose metadata is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from video_sft.video._headers.bits import Bits

__all__ = ["pixel_aspect"]

#: Profiles of H.264 that say more of their colours.
_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_SEQUENCE_PARAMETERS = 7
_LARGEST_SET = 4096
_MOST_OFFSETS = 255
#: Shapes of pixels by their number (ITU-T H.264, table E-1), and the number that says that the shape follows.
_SHAPES: tuple[tuple[int, int], ...] = ((1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11))
_SHAPES += ((80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1))
_OWN_SHAPE = 255


def pixel_aspect(codec: str, extradata: bytes) -> Fraction | None:
    """Return the width of a pixel by its height; None where an H.264 or HEVC stream does not say.

    The set-up of the decoder may be as in ``avcC`` and ``hvcC`` boxes or as in bare streams.
    """
    try:
        if codec == "h264":
            return next(map(_shape, _sequence_parameters(extradata)), None)
        if codec == "hevc":
            context = av.CodecContext.create("hevc", "r")
            context.extradata = extradata
            context.open(strict=False)
            shape: Fraction | None = context.sample_aspect_ratio
            return shape
    except (ValueError, IndexError, av.FFmpegError):
        pass
    return None


def _sequence_parameters(extradata: bytes) -> Iterator[bytes]:
    """Yield the sequence parameter sets, with the byte that says what they are."""
    if extradata[:1] == b"\1":
        at = 6
        for _ in range(extradata[5] & 31):
            length = int.from_bytes(extradata[at : at + 2], "big")
            yield extradata[at + 2 : at + 2 + length]
            at += 2 + length
        return
    for unit in extradata.split(b"\0\0\1")[1:]:
        if unit and unit[0] & 31 == _SEQUENCE_PARAMETERS:
            yield unit


def _shape(unit: bytes) -> Fraction | None:
    """Read a sequence parameter set (ITU-T H.264, 7.3.2.1.1) up to the shape of pixels (E.1.1)."""
    bits = Bits(unit[1:_LARGEST_SET].replace(b"\0\0\3", b"\0\0"))
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    bits.exp_golomb()  # its own number
    if profile in _HIGH_PROFILES:
        colours = bits.exp_golomb()
        if colours == 3:
            bits.flag()
        bits.exp_golomb()  # bit depths
        bits.exp_golomb()
        bits.flag()
        if bits.flag():
            for number in range(12 if colours == 3 else 8):
                if bits.flag():
                    _skip_scaling(bits, 16 if number < 6 else 64)
    bits.exp_golomb()  # width of frame numbers
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.flag()
        bits.exp_golomb()
        bits.exp_golomb()
        for _ in range(min(bits.exp_golomb(), _MOST_OFFSETS)):
            bits.exp_golomb()
    bits.exp_golomb()  # most reference frames
    bits.flag()
    bits.exp_golomb()  # width, height
    bits.exp_golomb()
    if not bits.flag():  # not all pictures are whole frames
        bits.flag()
    bits.flag()
    if bits.flag():  # crops
        for _ in range(4):
            bits.exp_golomb()
    if not bits.flag() or not bits.flag():
        return None
    number = bits.take(8)
    if number == _OWN_SHAPE:
        width, height = bits.take(16), bits.take(16)
        return Fraction(width, height) if width and height else None
    return Fraction(*_SHAPES[number - 1]) if 0 < number <= len(_SHAPES) else None


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.exp_golomb()
            following = (last + (code + 1 >> 1) * (1 if code & 1 else -1)) % 256
        last = following or last

"""The frames of an AV1 stream that no other frame needs (AV1 Bitstream & Decoding Process Specification, 5.5 and 5.9).

The decoder has no switch to leave such frames out one by one, as those of H.264 and HEVC have; but the beginning of a
frame's header says which of the eight reference slots the frame will fill, and one that fills none leaves no trace.
Encoders make up to every second frame so: leaving these out takes a sixth off the decoder's work on files of SVT-AV1
(1.15 to 1.2 times as much without, for 1 to 32 frames), and nothing off files that have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from video_sft.video._headers.bits import Bits

__all__ = ["Av1References"]

_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6
#: Tiles, and frame headers repeated between them.
_PARTS_OF_A_FRAME = frozenset({4, 7})
#: Temporal delimiters, metadata, padding: nothing in them changes the decoder.
_HARMLESS = frozenset({2, 5, 15})
#: All fields that are read lie within so many bytes of a frame header.
_ENOUGH = 24
_ENOUGH_OF_SEQUENCE = 128
_CHOSEN_IN_FRAME = 2
_KEY, _INTRA_ONLY, _SWITCH = 0, 2, 3


@dataclass(frozen=True)
class _Sequence:
    """What a sequence header says that frame headers are read by."""

    screen_content: int
    integer_vectors: int
    frame_id_bits: int
    order_hint_bits: int


class Av1References:
    """Watches the packets of one stream go by.

    Args:
        extradata: the content of the ``av1C`` box, or nothing.
    """

    def __init__(self, extradata: bytes) -> None:
        self._sequence: _Sequence | None = None
        self.needed(extradata[4:])

    def needed(self, packet: Any) -> Any:
        """Give the part of a packet that other packets may lean on.

        To be called for every packet, in order, since one may change how later ones are read.

        Returns:
            The packet itself where all of it is needed, or is not surely needless; bytes; None where nothing is.
        """
        data = memoryview(packet)
        kept: list[memoryview] = []
        at, needs, dropping, dropped = 0, False, False, False
        while at < len(data):
            begin, head, at = at, data[at], at + 1
            kind, layered, sized = head >> 3 & 15, head & 4, head & 2
            at += bool(layered)
            size, at = _leb128(data, at) if sized else (len(data) - at, at)
            if kind == _SEQUENCE:
                self._sequence = _sequence(bytes(data[at : at + min(size, _ENOUGH_OF_SEQUENCE)]))
            if kind in (_FRAME_HEADER, _FRAME):
                dropping = not (
                    layered or self._sequence is None or _fills_a_slot(bytes(data[at : at + _ENOUGH]), self._sequence)
                )
            elif kind not in _PARTS_OF_A_FRAME:
                dropping = False
            at += size
            if dropping:
                dropped = True
            else:
                needs = needs or kind not in _HARMLESS
                kept.append(data[begin:at])
        if not dropped:
            return packet
        return b"".join(kept) if needs else None


def _leb128(data: memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte; give it and the place behind it."""
    value = 0
    for place in range(8):
        if at >= len(data):
            break
        value |= (data[at] & 127) << 7 * place
        at += 1
        if data[at - 1] < 128:
            break
    return value, at


def _sequence(data: bytes) -> _Sequence | None:
    """Read a sequence header; None for kinds whose frame headers are not read here."""
    bits = Bits(data)
    bits.take(4)  # profile, still picture
    if bits.flag():  # the reduced header of still pictures
        return None
    if bits.flag():  # timing
        bits.take(64)
        if bits.flag():
            bits.exp_golomb()
        if bits.flag():  # a decoder model, which puts times into frame headers
            return None
    delay = bits.flag()
    if bits.take(5):  # several operating points: layers
        return None
    bits.take(12)
    if bits.take(5) > 7:
        bits.take(1)
    if delay and bits.flag():
        bits.take(4)
    width, height = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width + height)
    frame_id_bits = 0
    if bits.flag():
        frame_id_bits = bits.take(4) + bits.take(3) + 3
    bits.take(7)  # tools, up to the dual filter
    ordered = bits.flag()
    if ordered:
        bits.take(2)
    screen_content = _CHOSEN_IN_FRAME if bits.flag() else bits.take(1)
    integer_vectors = _CHOSEN_IN_FRAME
    if screen_content and not bits.flag():
        integer_vectors = bits.take(1)
    return _Sequence(screen_content, integer_vectors, frame_id_bits, bits.take(3) + 1 if ordered else 0)


def _fills_a_slot(data: bytes, sequence: _Sequence) -> bool:
    """Read a frame header up to the slots its frame fills; True also where it shows an earlier frame."""
    bits = Bits(data)
    if bits.flag():
        return True
    kind, shown = bits.take(2), bits.flag()
    if not shown:
        bits.take(1)
    if kind == _SWITCH or (kind == _KEY and shown):
        return True
    resilient = bits.flag()
    bits.take(1)
    allowed = bits.take(1) if sequence.screen_content == _CHOSEN_IN_FRAME else sequence.screen_content
    if allowed and sequence.integer_vectors == _CHOSEN_IN_FRAME:
        bits.take(1)
    bits.take(sequence.frame_id_bits + 1 + sequence.order_hint_bits)
    if not resilient and kind not in (_KEY, _INTRA_ONLY):
        bits.take(3)
    return bits.take(8) != 0

"""Packets of a stream, each marked with its frame's number: from their place in the file, or by libav's demuxer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._headers.libav import failing
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["DemuxedPackets", "UnreachableError", "stored_packets"]


class UnreachableError(VideoError):
    """The demuxer gives other packets after a seek than when it reads the file through."""


def stored_packets(file: ByteSource, table: PacketTable, first: int, last: int) -> Iterator[tuple[int, Any]]:
    """Yield (packet number, packet) from the first to the last, both included, straight from their place in the file.

    Raises:
        VideoError: the file is cut off before the last of them.
    """
    rows = slice(first, last + 1)
    columns = (table.position[rows].tolist(), table.size[rows].tolist(), table.ordinals[rows].tolist())
    for row, (position, size, number) in enumerate(zip(*columns, strict=True), first):
        if position + size > file.size:
            raise VideoError(file.name, f"cut short: frame {number} ends at byte {position + size:,} of {file.size:,}")
        packet = av.Packet(size)
        file.read_into(position, packet)
        packet.pts = number
        yield row, packet


class DemuxedPackets:
    """Packets that only the container's demuxer can find, after a seek; nobody else uses the container meanwhile."""

    def __init__(self, container: Any, stream: Any, table: PacketTable, name: str) -> None:
        self._container = container
        self._stream = stream
        self._table = table
        self._name = name

    def packets(self, first: int, last: int) -> Iterator[tuple[int, Any]]:
        """Yield (packet number, packet) from the first to the last, both included.

        Raises:
            UnreachableError: other packets come than there are.
        """
        row = None
        for packet in self._from(first):
            if not packet.size:
                if packet.dts is None:
                    break
                continue
            row = self._number(packet) if row is None else row + 1
            if row >= len(self._table) or self._table.size[row] != packet.size:
                raise UnreachableError(
                    self._name, f"reading from packet {first} on does not give the packets there are"
                )
            if row < first:
                continue
            packet.pts = int(self._table.ordinals[row])
            yield row, packet
            if row >= last:
                return
        raise UnreachableError(self._name, f"packet {last} cannot be read")

    def _from(self, first: int) -> Iterator[Any]:
        """Seek until the first packet that comes is not later than the one wanted."""
        keys = self._table.keys
        entries = [int(self._table.seek_tick[row]) for row in keys[keys <= first][::-1]]
        for tick in [*entries[:3], int(self._table.seek_tick.min()) - (1 << 32)]:
            with failing(self._name, "cannot be read from the middle"):
                self._container.seek(tick, stream=self._stream)
                packets = iter(self._container.demux(self._stream))
                packet = next(packets, None)
            if packet is not None and packet.size and self._number(packet) <= first:
                yield packet
                with failing(self._name, "cannot be read"):
                    yield from packets
                return
        raise UnreachableError(self._name, f"there is no way to packet {first}")

    def _number(self, packet: Any) -> int:
        table = self._table
        same = (table.position == (packet.pos if packet.pos is not None else -1)) & (table.size == packet.size)
        numbers = same.nonzero()[0]
        return int(numbers[0]) if len(numbers) == 1 else len(table)

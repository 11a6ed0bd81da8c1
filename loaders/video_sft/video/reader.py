"""Decode frames of one file: the small interface that `Clip` stands on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video.byte_source import ByteSource
from video_sft.video.container import failing, open_container
from video_sft.video.decoding import GroupDecoder, make_context, skips_safely
from video_sft.video.packet_table import PacketTable
from video_sft.video.packets import DemuxedPackets, PacketReader, StoredPackets
from video_sft.video.pictures import Layout, Painter
from video_sft.video.sampling import Indices
from video_sft.video.track import Track, for_libav

__all__ = ["read_pictures"]


@dataclass(frozen=True)
class _Group:
    """Frames that are decoded from one key packet on.

    Attributes:
        entry: the packet to start at.
        wanted: packets of the frames, ascending.
        earlier: how many key packets further back than need be `entry` is.
    """

    entry: int
    wanted: tuple[int, ...]
    earlier: int = 0

    @property
    def cost(self) -> int:
        return self.wanted[-1] - self.entry + 1


def plan(table: PacketTable, numbers: Indices) -> list[_Group]:
    """Group frames by the key packet they are decoded from, the longest run first."""
    groups: dict[int, list[int]] = {}
    for row in sorted(table.rows[np.unique(numbers)].tolist()):
        groups.setdefault(table.entry(row), []).append(row)
    return sorted((_Group(entry, tuple(rows)) for entry, rows in groups.items()), key=lambda group: -group.cost)


def read_pictures(
    file: ByteSource, track: Track, numbers: Indices, result: npt.NDArray[Any], layout: Layout, num_threads: int
) -> dict[int, str]:
    """Decode frames into the rows of a result.

    Args:
        file: the video's bytes.
        track: its stream.
        numbers: which frame goes to each row.
        result: made by `empty_pictures`; rows of frames that fail are left undefined.
        layout: of the result.
        num_threads: to decode with.

    Returns:
        What is wrong with each frame that could not be decoded, by its number; empty when all is well.
    """
    reading = _Reading(file, track, numbers, result, layout)
    if track.table is None:
        return reading.sequentially()
    groups = plan(track.table, numbers)
    while groups:
        groups = reading.decode(groups, min(num_threads, len(groups)), num_threads)
    return reading.failures


class _Reading:
    """The state of one call: what is still to be done, shared by its threads."""

    def __init__(
        self, file: ByteSource, track: Track, numbers: Indices, result: npt.NDArray[Any], layout: Layout
    ) -> None:
        self._file = file
        self._track = track
        self._result = result
        self._layout = layout
        self._positions: dict[int, list[int]] = {}
        for position, number in enumerate(numbers.tolist()):
            self._positions.setdefault(number, []).append(position)
        self._lock = threading.Lock()
        self.failures: dict[int, str] = {}

    def decode(self, groups: list[_Group], workers: int, num_threads: int) -> list[_Group]:
        """Decode groups; return those to try again from further back."""
        queue, again, raised = list(reversed(groups)), [], []
        decoder_threads = num_threads if len(groups) == 1 and groups[0].cost > num_threads else 1

        def work() -> None:
            try:
                with self._worker(decoder_threads) as run:
                    while not raised:
                        with self._lock:
                            if not queue:
                                return
                            group = queue.pop()
                        retry = run(group)
                        if retry is not None:
                            with self._lock:
                                again.append(retry)
            except BaseException as error:  # noqa: BLE001 - handed to the calling thread
                raised.append(error)

        threads = [threading.Thread(target=work, name="video-sft-decode", daemon=True) for _ in range(workers - 1)]
        for thread in threads:
            thread.start()
        work()
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]
        return again

    @contextmanager
    def _worker(self, threads: int) -> Iterator[Callable[[_Group], _Group | None]]:
        painter = Painter(self._result, self._layout, self._track.rotation)
        with self._packets(threads) as (packets, context):
            decoder = GroupDecoder(context, skip=skips_safely(self._track.header))
            yield lambda group: self._run(group, packets, decoder, painter)

    @contextmanager
    def _packets(self, threads: int) -> Iterator[tuple[PacketReader, Any]]:
        table, header = self._table, self._track.header
        if self._track.access == "stored":
            yield StoredPackets(self._file, table), make_context(header, threads)
            return
        with for_libav(self._file) as opened, open_container(opened, self._file.name) as container:
            stream = container.streams[header.stream_index]
            stream.codec_context.thread_count = threads
            yield DemuxedPackets(container, stream, table, self._file.name), stream.codec_context

    @property
    def _table(self) -> PacketTable:
        assert self._track.table is not None
        return self._track.table

    def _run(self, group: _Group, packets: PacketReader, decoder: GroupDecoder, painter: Painter) -> _Group | None:
        """Decode one group; return what to try again from an earlier key packet."""
        table = self._table
        wanted = {int(table.ordinals[row]): row for row in group.wanted}
        missing = dict(wanted)

        def deliver(number: int, frame: Any) -> None:
            if missing.pop(number, None) is not None:
                painter.paint(frame, self._positions[number])

        rows = set(group.wanted)
        marked = ((row, row in rows, packet) for row, packet in packets.packets(group.entry, group.wanted[-1]))
        first_shown = int(table.ordinals[group.entry]) if table.shown[group.entry] else 0
        try:
            with failing(self._file.name, "cannot be decoded"):
                damaged = decoder.run(marked, first_shown, deliver)
        except VideoError as error:
            self.failures.update(dict.fromkeys(wanted, error.reason))
            return None
        if damaged is not None:
            broken = {number: "its data are damaged" for number, row in wanted.items() if row >= damaged}
            self.failures.update(broken)
            missing = {number: row for number, row in missing.items() if number not in broken}
        if not missing:
            return None
        if group.entry == 0:
            self.failures.update(dict.fromkeys(missing, "the decoder gives no such frame"))
            return None
        left = tuple(sorted(missing.values()))
        return _Group(table.entry(left[0], group.earlier + 1), left, group.earlier + 1)

    def sequentially(self) -> dict[int, str]:
        """Decode from the beginning, counting frames."""
        left = dict(self._positions)
        painter = Painter(self._result, self._layout, self._track.rotation)
        name = self._file.name
        with for_libav(self._file) as opened, open_container(opened, name) as container:
            stream = container.streams[self._track.header.stream_index]
            try:
                with failing(name, "cannot be decoded"):
                    for number, frame in enumerate(container.decode(stream)):
                        if number in left:
                            painter.paint(frame, left.pop(number))
                        if not left:
                            break
            except VideoError as error:
                return dict.fromkeys(left, error.reason)
        return dict.fromkeys(left, "the decoder gives no such frame")

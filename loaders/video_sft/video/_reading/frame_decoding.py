"""The decoding of numbered frames of one file, in groups and by several threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.decoder import decode_all, decode_group, make_context, options_of
from video_sft.video._decoding.packets import DemuxedPackets, UnreachableError, stored_packets
from video_sft.video._decoding.pictures import Layout, Painter, empty_pictures
from video_sft.video._headers.libav import failing, for_libav, open_container
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._headers.webp import webp_frames
from video_sft.video._streams.packet_frames import SELF_CONTAINED
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Indices

__all__ = [
    "MISSING", "UNREACHABLE", "first_size", "hand_over_pictures", "nearest_decodable", "read_pictures", "undecodable",
]  # fmt: skip

#: Writes a frame to rows of a result.
Paint = Callable[[Any, list[int]], None]
#: Gives (packet number, packet) from one number to another, both included. For one thread.
Packets = Callable[[int, int], Iterator[tuple[int, Any]]]

#: Bytes of a remote file that are held at once.
_WAVE = 64 << 20

_DAMAGED = "its data are damaged"
#: What is said of a frame that should have come out of the decoder, and did not.
MISSING = "the decoder gives no such frame"
#: What is said of a frame that libav's demuxer does not lead to.
UNREACHABLE = "there is no way to it but from the file's beginning"


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
    """Decode frames into the rows of a result made by `empty_pictures`; rows of frames that fail are left undefined.

    Returns:
        What is wrong with each frame that could not be decoded, by its number; empty when all is well.
    """
    header = track.header
    stated = None if track.measured else (header.width, header.height)
    painter = lambda: Painter(result, layout, track.orientation, stated).paint  # noqa: E731 - each thread needs its own
    return _Reading(file, track, numbers, painter).run(num_threads)


def hand_over_pictures(
    file: ByteSource,
    track: Track,
    numbers: Indices,
    size: tuple[int, int],
    deliver: Callable[[int, npt.NDArray[np.uint8]], None],
) -> dict[int, str]:
    """Decode frames and hand them over one after the other: of however many, only a few are held at a time.

    Args:
        file: the bytes.
        track: the stream in it.
        numbers: of the frames, ascending.
        size: height and width they are wanted in.
        deliver: takes the place of each in `numbers`, in order, and its picture (H, W, 3), which it may not keep.

    Returns:
        What is wrong with each frame that could not be decoded, by its number; those after the first are not handed
        over.
    """
    row = empty_pictures(file.name, 1, *size)
    stated = None if track.measured else (track.header.width, track.header.height)
    painter = Painter(row, "NHWC", track.orientation, stated)
    early: dict[int, npt.NDArray[np.uint8]] = {}
    following = 0

    def paint(frame: Any, positions: list[int]) -> None:
        nonlocal following
        painter.paint(frame, [0])
        for position in positions:
            if position != following:
                early[position] = row[0].copy()
                continue
            deliver(following, row[0])
            following += 1
        while following in early:
            deliver(following, early.pop(following))
            following += 1

    return _Reading(file, track, numbers, lambda: paint, in_order=True).run(1)


def first_size(file: ByteSource, track: Track) -> tuple[int, int] | None:
    """Return width and height of the first frame, as stored; None where it does not decode."""
    found: list[tuple[int, int]] = []

    def look(frame: Any, positions: list[int]) -> None:
        found.append((frame.width, frame.height))

    _Reading(file, track, np.zeros(1, np.int64), lambda: look).run(1)
    return found[0] if found else None


def nearest_decodable(
    file: ByteSource, track: Track, failed: Iterable[int], begin: int, end: int, num_threads: int
) -> dict[int, int]:
    """Find the nearest frame of [begin, end) that does decode for each that does not; the earlier of two as near.

    Returns:
        The stand-in of each; frames for which there is none are left out.
    """
    found: dict[int, int] = {}
    for number in sorted(failed):
        reach = 4
        while number not in found and reach < 8 * (end - begin):
            near = np.arange(max(begin, number - reach), min(end, number + reach + 1))
            broken = undecodable(file, track, near, num_threads)
            good = [other for other in near.tolist() if other not in broken]
            if good:
                found[number] = min(good, key=lambda other: (abs(other - number), other))
            reach *= 8
    return found


def undecodable(file: ByteSource, track: Track, numbers: Indices, num_threads: int) -> dict[int, str]:
    """Decode frames for nothing but to see which do not, and why; arguments as for `read_pictures`."""
    return _Reading(file, track, numbers, lambda: lambda frame, positions: None).run(num_threads)


def _spans(table: PacketTable, group: _Group) -> list[tuple[int, int]]:
    """Return where the packets of a group lie, neighbours joined."""
    rows = slice(group.entry, group.wanted[-1] + 1)
    starts, ends = table.position[rows], table.position[rows] + table.size[rows]
    breaks = np.flatnonzero(starts[1:] != ends[:-1])
    firsts, lasts = np.append(0, breaks + 1), np.append(breaks, len(starts) - 1)
    return [(int(starts[a]), int(ends[b] - starts[a])) for a, b in zip(firsts, lasts, strict=True)]


class _Reading:
    """The state of one call: what is still to be done, shared by its threads."""

    def __init__(
        self,
        file: ByteSource,
        track: Track,
        numbers: Indices,
        make_paint: Callable[[], Paint],
        *,
        in_order: bool = False,
    ) -> None:
        self._file = file
        self._in_order = in_order
        self._track = track
        self._make_paint = make_paint
        self._positions: dict[int, list[int]] = {}
        for position, number in enumerate(numbers.tolist()):
            self._positions.setdefault(number, []).append(position)
        self._lock = threading.Lock()
        self.failures: dict[int, str] = {}

    def run(self, num_threads: int) -> dict[int, str]:
        """Decode everything; return the failures."""
        if self._track.table is None:
            self._sequentially()
            return self.failures
        groups = plan(self._track.table, np.array(list(self._positions)))
        if self._in_order:
            groups.sort(key=lambda group: group.entry)
        while groups:
            retries = list[_Group]()
            for wave in self._waves(groups):
                retries += self.decode(wave, min(num_threads, len(wave)), num_threads)
                self._file.forget()
            groups = retries
        return self.failures

    def _waves(self, groups: list[_Group]) -> Iterator[list[_Group]]:
        """Announce what groups read, as many at a time as are held in memory at once."""
        if self._track.access != "stored":
            yield groups
            return
        wave: list[_Group] = []
        spans: list[tuple[int, int]] = []
        held = 0
        for group in groups:
            new = _spans(self._table, group)
            size = sum(length for _, length in new)
            if wave and held + size > _WAVE:
                self._file.prefetch(spans)
                yield wave
                wave, spans, held = [], [], 0
            wave.append(group)
            spans += new
            held += size
        self._file.prefetch(spans)
        yield wave

    def decode(self, groups: list[_Group], workers: int, num_threads: int) -> list[_Group]:
        """Decode groups; return those to try again from further back."""
        queue, retries = list(reversed(groups)), list[_Group]()
        raised: list[BaseException] = []
        decoder_threads = num_threads if len(groups) == 1 and groups[0].cost > num_threads else 1

        def work() -> None:
            try:
                with self._packets(decoder_threads) as (packets, make_decoder):
                    paint = self._make_paint()
                    while not raised:
                        with self._lock:
                            if not queue:
                                return
                            group = queue.pop()
                        retry = self._run(group, packets, make_decoder(), paint)
                        while retry is not None and self._in_order:
                            retry = self._run(retry, packets, make_decoder(), paint)
                        if self._in_order and self.failures:
                            return
                        if retry is not None:
                            with self._lock:
                                retries.append(retry)
            except BaseException as error:  # noqa: BLE001 - handed to the calling thread
                raised.append(error)

        threads = [threading.Thread(target=work, name="video-sft-decode", daemon=True) for _ in range(workers - 1)]
        for thread in threads:
            thread.start()
        work()
        if self._file.remote and any(not isinstance(error, Exception) for error in raised):
            self._file.close()  # Ctrl-C: the others wait for the network
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]
        return retries

    @contextmanager
    def _packets(self, threads: int) -> Iterator[tuple[Packets, Callable[[], Any]]]:
        table, header = self._table, self._track.header
        if self._track.access == "stored":
            yield partial(stored_packets, self._file, table), lambda: make_context(header, threads)
            return
        with open_container(for_libav(self._file), self._file.name) as container:
            stream = container.streams[header.stream_index]
            stream.codec_context.thread_count = threads
            stream.codec_context.options |= options_of(header)
            packets = DemuxedPackets(container, stream, table, self._file.name)
            own = header.codec in SELF_CONTAINED
            yield packets.packets, lambda: make_context(header, threads) if own else stream.codec_context

    @property
    def _table(self) -> PacketTable:
        assert self._track.table is not None
        return self._track.table

    def _run(self, group: _Group, packets: Packets, decoder: Any, paint: Paint) -> _Group | None:
        """Decode one group; return what to try again from an earlier key packet."""
        table = self._table
        wanted = {int(table.ordinals[row]): row for row in group.wanted}
        missing = dict(wanted)

        def deliver(number: int, frame: Any) -> None:
            if missing.pop(number, None) is not None:
                paint(frame, self._positions[number])

        rows = set(group.wanted)
        ended: list[str] = []

        def marked() -> Iterator[tuple[int, bool, Any]]:
            try:
                for row, packet in packets(group.entry, group.wanted[-1]):
                    yield row, row in rows, packet
            except UnreachableError:
                raise
            except VideoError as error:  # the frames up to there are whole
                ended.append(error.reason)

        first_shown = int(table.ordinals[group.entry]) if table.shown[group.entry] else 0
        try:
            with failing(self._file.name, "cannot be decoded"):
                damaged = decode_group(decoder, self._track.header, marked(), first_shown, deliver)
        except UnreachableError:
            self.failures.update(dict.fromkeys(wanted, UNREACHABLE))
            return None
        except VideoError as error:
            self.failures.update(dict.fromkeys(wanted, error.reason))
            return None
        if damaged is not None:
            broken = {number: _DAMAGED for number, row in wanted.items() if row >= damaged}
            self.failures.update(broken)
            missing = {number: row for number, row in missing.items() if number not in broken}
        if ended:
            self.failures.update(dict.fromkeys(missing, ended[0]))
            return None
        if not missing:
            return None
        if group.entry in table.runs:
            self.failures.update(dict.fromkeys(missing, MISSING))
            return None
        left = tuple(sorted(missing.values()))
        return _Group(table.entry(left[0], group.earlier + 1), left, group.earlier + 1)

    def _sequentially(self) -> None:
        """Decode from the beginning, counting frames."""
        damaged = self._track.damaged & self._positions.keys()
        self.failures.update(dict.fromkeys(damaged, _DAMAGED))
        left = {number: rows for number, rows in self._positions.items() if number not in damaged}
        paint, name = self._make_paint(), self._file.name
        self._file.read_through()
        for number, frame in enumerate(self._from_beginning()):
            if not left:
                return
            if number in left:
                rows = left.pop(number)
                try:
                    with failing(name, "cannot be shown"):
                        paint(frame, rows)
                except VideoError as error:
                    self.failures[number] = error.reason
        self.failures.update(dict.fromkeys(left, MISSING))

    def _from_beginning(self) -> Iterator[Any]:
        if self._track.header.container == "webp":
            yield from webp_frames(self._file)
            return
        with open_container(for_libav(self._file), self._file.name) as container:
            stream = container.streams[self._track.header.stream_index]
            yield from (frame for frame, _ in decode_all(container, stream, self._file.name))

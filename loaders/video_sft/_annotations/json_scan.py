"""Cutting a JSON array into runs of whole elements, so that a parser may read a file of any size piece by piece.

A file of hundreds of megabytes is one line of JSON. The scanner walks a block of it with numpy, knows strings from
structure, and so where elements end; a JSON parser then reads many of them at once.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from video_sft._annotations.json_structure import Structure
from video_sft._annotations.text_lines import BinaryReader

__all__ = [
    "BLOCK_BYTES",
    "MAX_ELEMENT_BYTES",
    "Break",
    "Elements",
    "elements",
    "rows_side_by_side",
]

#: Small enough that a block's parsed objects stay in the processor's cache: twice as fast as a megabyte.
BLOCK_BYTES = 1 << 17
#: One element may not be longer than this: memory stays bounded on a file that never closes its first row.
MAX_ELEMENT_BYTES = 64 << 20
_LARGEST_READ = 8 << 20
_LONGEST_BETWEEN = 100
_CLOSERS = tuple(b"}]")
_NEAR_ROWS = b'}],{["'
_LATER_KEY = re.compile(rb'[}\]]\s*,\s*\{\s*("(?:[^"\\]|\\.){1,100}")\s*:')
_BLANKS = b" \t\r\n"
_FIRST_KEY = re.compile(rb'\s*\{\s*("(?:[^"\\]|\\.){1,100}")\s*:')

_COMMA, _CLOSE = (ord(character) for character in ",]")


@dataclass(frozen=True)
class Break:
    """A place where the bytes are not those of one JSON array, and whether a row is lost there.

    Attributes:
        problem: what is wrong.
        index: the row it happens in or before, from 0.
        offset: the byte of the file.
        loses: whether a row is lost; otherwise the rows behind are read all the same.
    """

    problem: str
    index: int
    offset: int
    loses: bool = True


@dataclass(frozen=True)
class Elements:
    """A run of consecutive array elements.

    Attributes:
        data: their bytes, with the commas between them.
        index: the first element's index in the array, from 0.
        offset: the byte of the file that `data` begins at.
        single: whether it is one element, whatever its commas and brackets look like.
    """

    data: bytes
    index: int
    offset: int
    single: bool = False

    @functools.cached_property
    def bounds(self) -> list[int]:
        """Where each begins and ends in `data`: element i is `data[bounds[i] + 1 : bounds[i + 1]]`."""
        if self.single:
            return [-1, len(self.data)]
        positions, kinds, depths = Structure().walk(np.frombuffer(self.data, dtype=np.uint8))
        return [-1, *positions[(kinds == _COMMA) & (depths == 0)].tolist(), len(self.data)]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def element(self, number: int) -> bytes:
        """Return the bytes of one element of the run."""
        return self.data[self.bounds[number] + 1 : self.bounds[number + 1]]

    def offset_of(self, number: int) -> int:
        """Return the byte of the file that an element begins at, by its number in the array, from 1."""
        return self.offset + self.bounds[number - 1 - self.index] + 1


Found = tuple[Elements, "list[Any] | None"] | tuple[Break, None]


def elements(handle: BinaryReader, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Found]:
    """Yield the elements of the JSON array in a binary file, a block's worth at a time, and their parsed values.

    Most blocks are not walked. From an element's first byte on, bytes that parse as the inside of an array end at an
    element's end, so a place that looks like the last one in a block is tried, and walking is for when that fails.

    A file that is damaged is read on behind the damage: rows begin alike (`{"video":`), and such a beginning cannot
    be inside a text, where its quotes would be escaped.

    Args:
        handle: a binary file that stands at the array's opening bracket or at blanks before it.
        block_bytes: how much to read at once.

    Yields:
        A run and its values: None where an element of it is not JSON. Or a place where the bytes are not those of one
        array, and None.
    """
    return _Scan(handle, block_bytes).found()


class _Scan:
    """Where reading stands: what is read and not yet handed out, and how the array looked so far."""

    def __init__(self, handle: BinaryReader, block_bytes: int) -> None:
        self._handle = handle
        self._block_bytes = block_bytes
        self._pending = b""
        self._offset = 0
        self._index = 0
        self._structure = Structure()
        self._walked = 0
        self._between = b""
        self._closed = False
        self._told_of_commas = False
        self._beginning: re.Pattern[bytes] | None = None

    def found(self) -> Iterator[Found]:
        """Yield what `elements` does."""
        if (wrong := self._open()) is not None:
            yield wrong, None
            return
        while True:
            fresh = not self._walked
            held = len(self._pending)
            wanted = max(min(held, _LARGEST_READ, MAX_ELEMENT_BYTES + 1 - held), self._block_bytes)
            block = self._handle.read(wanted)
            self._pending += block
            if not block and not (fresh and self._pending):
                yield from self._at_end()
                if not self._pending:
                    return
                continue
            cut = self._pending.rfind(self._between) if fresh and self._between else -1
            if cut > 0 and (values := _values(self._pending[:cut])) is not None:
                yield Elements(self._pending[:cut], self._index, self._offset), values
                self._drop(cut + 1, len(values))
                continue
            yield from self._walk()
            if self._closed and not self._pending.strip(_BLANKS):
                yield from self._behind()
                if not self._pending:
                    return

    def _open(self) -> Break | None:
        """Read up to the array's opening bracket."""
        while block := self._handle.read(self._block_bytes):
            inside = block.lstrip(_BLANKS)
            self._offset += len(block) - len(inside)
            if inside[:1] == b"[":
                self._offset += 1
                self._pending = inside[1:]
                return None
            if inside:
                return Break("the file does not begin with a JSON array", 0, self._offset)
        return Break("the file is empty", 0, 0)

    def _walk(self) -> Iterator[Found]:
        """Hand out what ends in the bytes at hand, as their brackets, quotes and commas have it."""
        pending, walked = self._pending, self._walked
        if self._beginning is None:
            self._learn(pending)
        positions, kinds, depths = self._structure.walk(np.frombuffer(pending, dtype=np.uint8)[walked:])
        closed = np.flatnonzero(depths < 0)[:1]
        if closed.size:
            place = int(positions[closed[0]]) + walked
            yield from self._close(place, brace=kinds[closed[0]] != _CLOSE)
            return
        commas = positions[(kinds == _COMMA) & (depths == 0)] + walked
        if commas.size:
            cut = int(commas[-1])
            yield from self._run(Elements(pending[:cut], self._index, self._offset))
            self._between = _between(pending, commas)
            self._drop(cut + 1, 0)
            return
        self._walked = len(pending)
        if len(pending) > MAX_ELEMENT_BYTES:
            starts = self._starts(pending)
            yield from self._split(pending, starts) if starts else self._pass_over()

    def _close(self, place: int, *, brace: bool) -> Iterator[Found]:
        pending = self._pending
        if pending[:place].strip(_BLANKS) or (self._index and not self._closed):
            yield from self._run(Elements(pending[:place], self._index, self._offset))
        if brace:
            problem = "the array is closed by a brace"
            yield Break(problem, self._index, self._offset + place, loses=not self._index), None
        self._drop(place + 1, 0)
        self._closed = True
        yield from self._behind()

    def _behind(self) -> Iterator[Found]:
        """Go on behind the array's end where more rows follow: another array, or rows without brackets around them."""
        told = False
        while True:
            rest = self._pending.lstrip(_BLANKS)
            self._drop(len(self._pending) - len(rest), 0)
            if not rest:
                self._pending = self._handle.read(BLOCK_BYTES)
                if self._pending:
                    continue
                return
            if not told:
                problem = "there is something after the end of the array"
                yield Break(problem, self._index, self._offset, loses=False), None
                told = True
            follows = re.search(rb"[\[{]", rest)
            if follows is None:
                self._drop(len(rest), 0)
                continue
            opening = follows.group() == b"["
            self._drop(follows.start() + opening, 0)
            self._closed = not opening
            return

    def _run(self, run: Elements) -> Iterator[Found]:
        """Hand out a run; rows without a comma between them one by one."""
        values = _values(run.data)
        if values is None and self._beginning is not None and run.data.strip():
            starts = self._starts(run.data)
            begins = [0, *(following for _, following in starts)]
            ends = [*(end for end, _ in starts), len(run.data)]
            pieces = sum(_values(run.data[one:other]) is not None for one, other in zip(begins, ends, strict=True))
            if starts and pieces >= sum(_values(run.element(number)) is not None for number in range(len(run))):
                yield from self._pieces(run.data, starts, self._offset)
                return
        yield run, values
        self._index += len(run)

    def _learn(self, data: bytes) -> None:
        """Note how rows begin from bytes that one begins with."""
        if (first := _FIRST_KEY.match(data)) is not None:
            self._beginning = _beginning_with(first[1])

    def _starts(self, data: bytes) -> list[tuple[int, int]]:
        """Return where rows end and the next begin, going by how the first row begins."""
        if self._beginning is None:  # the first row itself is broken: the key that cuts out most rows is theirs
            keys = {match[1] for match in _LATER_KEY.finditer(data, 0, BLOCK_BYTES)}
            if not keys:
                return []
            self._beginning = max(map(_beginning_with, sorted(keys)), key=lambda each: _rows_cut_by(each, data))
        return _spans(self._beginning, data)

    def _pieces(self, data: bytes, starts: list[tuple[int, int]], offset: int) -> Iterator[Found]:
        begin = 0
        for end, following in [*starts, (len(data), len(data))]:
            piece = Elements(data[begin:end], self._index, offset + begin, single=True)
            if (values := _values(piece.data)) is None:  # perhaps a row, and behind it what is none
                bounds = Elements(piece.data, 0, 0).bounds
                if len(bounds) > 2 and (values := _values(piece.data[: bounds[1]])):
                    yield Elements(piece.data[: bounds[1]], self._index, piece.offset, single=True), values
                    self._index += 1
                    rest = bounds[1] + 1
                    piece = Elements(piece.data[rest:], self._index, piece.offset + rest, single=True)
                    values = None
            yield piece, values
            if following < len(data) and data[end] != _COMMA and not (self._closed or self._told_of_commas):
                self._told_of_commas = True
                problem = "there is no comma between two rows"
                yield Break(problem, self._index + 1, offset + end, loses=False), None
            self._index += 1
            begin = following

    def _split(self, data: bytes, starts: list[tuple[int, int]]) -> Iterator[Found]:
        """Hand out the rows before the last beginning of one in bytes whose brackets or quotes do not close."""
        last, following = starts[-1]
        yield from self._pieces(data[:last], starts[:-1], self._offset)
        self._drop(following, 0)

    def _pass_over(self) -> Iterator[Found]:
        """Read on to the end of a row that is too long."""
        problem = f"the row is longer than {MAX_ELEMENT_BYTES >> 20} MiB"
        yield Break(problem, self._index, self._offset), None
        self._index += 1
        self._drop(len(self._pending), 0, keep=True)
        while block := self._handle.read(_LARGEST_READ):
            positions, kinds, depths = self._structure.walk(np.frombuffer(block, dtype=np.uint8))
            ends = positions[((kinds == _COMMA) & (depths == 0)) | (depths < 0)][:1].tolist()
            starts = [span[0] for span in self._starts(block)[:1]]
            if ends or starts:
                self._pending = block
                place = min(ends + starts)
                self._drop(place, 0)
                if starts != [place] and block[place] != _COMMA:
                    self._closed = True
                self._drop(1 if self._closed or block[place] == _COMMA else 0, 0)
                return
            self._offset += len(block)
        self._closed = True
        yield Break("the file ends in a row that is too long", self._index, self._offset, loses=False), None

    def _at_end(self) -> Iterator[Found]:
        """Hand out what can be had of bytes that end inside a row or before the array is closed."""
        pending = self._pending
        if self._closed and not pending.strip(_BLANKS):
            self._pending = b""
            return
        starts = self._starts(pending)
        if starts:
            yield from self._split(pending, starts)
            return
        self._pending = b""
        if values := _values(pending):
            yield Elements(pending, self._index, self._offset), values
            self._index += len(values)
            if self._closed:
                return
            problem = "the file ends before the array is closed; rows behind it, if there were any, are missing"
        else:
            problem = f"the file ends before the array is closed; the last {len(pending):,} bytes are not read"
        yield Break(problem, self._index, self._offset), None

    def _drop(self, count: int, rows: int, *, keep: bool = False) -> None:
        """Leave the first bytes behind, which were handed out or are lost."""
        self._pending = self._pending[count:]
        self._offset += count
        self._index += rows
        self._walked = 0
        if not keep:
            self._structure = Structure()


def rows_side_by_side(data: bytes) -> int:
    """Return how many rows seem to stand in bytes that are no JSON: at least one."""
    first = _FIRST_KEY.match(data)
    starts = [] if first is None else _spans(_beginning_with(first[1]), data)
    return 1 + sum(data[end] != _COMMA for end, _ in starts)


def _beginning_with(key: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\{\s*" + re.escape(key) + rb"\s*:")


def _spans(beginning: re.Pattern[bytes], data: bytes) -> list[tuple[int, int]]:
    """Return where rows end and the next begin: at a comma, or right behind a row's end with something else between."""
    spans = []
    for match in beginning.finditer(data):
        following = match.start()
        end = following
        while end and data[end - 1] in _BLANKS:
            end -= 1
        if end and data[end - 1] == _COMMA:
            spans.append((end - 1, following))
            continue
        lowest = max(0, end - _LONGEST_BETWEEN)
        while end > lowest and data[end - 1] not in _NEAR_ROWS:
            end -= 1
        if end and data[end - 1] in _CLOSERS:
            spans.append((end, following))
    return spans


def _rows_cut_by(beginning: re.Pattern[bytes], data: bytes) -> int:
    spans = _spans(beginning, data[:BLOCK_BYTES])
    return sum(_values(data[begin:end]) is not None for (_, begin), (end, _) in itertools.pairwise(spans))


def _values(data: bytes) -> list[Any] | None:
    try:
        values: list[Any] = orjson.loads(b"[" + data + b"]")
    except orjson.JSONDecodeError:
        return None
    return values


def _between(data: bytes, commas: npt.NDArray[np.int64]) -> bytes:
    """Return what stands between two elements: a comma, and the next one's beginning up to its first colon."""
    comma = int(commas[-2] if commas.size > 1 else commas[-1])
    colon = data.find(b":", comma, comma + _LONGEST_BETWEEN)
    return data[comma : colon + 1]

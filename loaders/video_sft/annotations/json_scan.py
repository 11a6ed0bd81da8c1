"""Cutting a JSON array into runs of whole elements, so that a parser may read a file of any size piece by piece.

A file of hundreds of megabytes is one line of JSON. The scanner walks a block of it with numpy, knows strings from
structure, and so where elements end; a JSON parser then reads many of them at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from video_sft.annotations.text_lines import BinaryReader

__all__ = ["BLOCK_BYTES", "Elements", "NotAnArrayError", "count_keys", "elements"]

#: Small enough that a block's parsed objects stay in the processor's cache: twice as fast as a megabyte.
BLOCK_BYTES = 1 << 17
#: One element may not be longer than this: memory stays bounded on a file that never closes its first row.
MAX_ELEMENT_BYTES = 64 << 20
_LARGEST_READ = 1 << 20
_LONGEST_BETWEEN = 100

_QUOTE, _BACKSLASH, _COMMA, _COLON, _CLOSE = (ord(character) for character in '"\\,:]')
_OPENERS = np.zeros(256, dtype=np.int8)
_OPENERS[[ord("{"), ord("[")]] = 1
_OPENERS[[ord("}"), ord("]")]] = -1
_INTERESTING = _OPENERS != 0
_INTERESTING[[_QUOTE, _COMMA]] = True


class NotAnArrayError(ValueError):
    """The bytes stop being one JSON array of elements at `offset`, inside or before element `index` (from 0)."""

    def __init__(self, problem: str, *, index: int, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.index = index
        self.offset = offset


@dataclass(frozen=True)
class Elements:
    """A run of consecutive array elements.

    Attributes:
        data: their bytes, with the commas between them.
        index: the first element's index in the array, from 0.
        offset: the byte of the file that `data` begins at.
    """

    data: bytes
    index: int
    offset: int

    @functools.cached_property
    def bounds(self) -> list[int]:
        """Where each begins and ends in `data`: element i is `data[bounds[i] + 1 : bounds[i + 1]]`."""
        positions, kinds, depths = _Structure().walk(np.frombuffer(self.data, dtype=np.uint8))
        return [-1, *positions[(kinds == _COMMA) & (depths == 0)].tolist(), len(self.data)]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def element(self, number: int) -> bytes:
        """Return the bytes of one element of the run."""
        return self.data[self.bounds[number] + 1 : self.bounds[number + 1]]

    def offset_of(self, number: int) -> int:
        """Return the byte of the file that an element begins at, by its number in the array, from 1."""
        return self.offset + self.bounds[number - 1 - self.index] + 1


@dataclass
class _Structure:
    """Where scanning stands: inside a string or not, how deep, and whether a backslash ended the last block."""

    in_string: bool = False
    escaped: bool = False
    depth: int = 0

    def walk(self, block: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return the positions outside strings of structural bytes, those bytes, and the depth after each."""
        positions = np.flatnonzero(_INTERESTING[block])
        kinds = block[positions]
        quotes = kinds == _QUOTE
        escapes = _escaped(block, carry=self.escaped)
        self.escaped = escapes.ends_open
        if escapes.positions.size:
            escaped = np.zeros(block.size, dtype=np.bool_)
            escaped[escapes.positions] = True
            quotes &= ~escaped[positions]
        inside = (np.cumsum(quotes) + self.in_string) & 1
        outside = (inside == 0) & (kinds != _QUOTE)
        self.in_string = bool(inside[-1]) if inside.size else self.in_string
        positions, kinds = positions[outside], kinds[outside]
        depths = np.cumsum(_OPENERS[kinds], dtype=np.int64) + self.depth
        self.depth = int(depths[-1]) if depths.size else self.depth
        return positions, kinds.astype(np.int64), depths


@dataclass(frozen=True)
class _Escapes:
    positions: npt.NDArray[np.int64]
    ends_open: bool


def _escaped(block: npt.NDArray[np.uint8], *, carry: bool) -> _Escapes:
    """Return the positions of the characters a backslash takes the meaning from."""
    slashes = np.flatnonzero(block == _BACKSLASH)
    none = np.zeros(0, dtype=np.int64)
    if not slashes.size:
        return _Escapes(np.zeros(1, dtype=np.int64) if carry and block.size else none, carry and not block.size)
    starts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, slashes.size))
    first = slashes[starts]
    extra = none
    if carry and first[0] == 0:  # the block begins with a backslash that is itself escaped
        first[0] += 1
        lengths[0] -= 1
    elif carry:
        extra = np.zeros(1, dtype=np.int64)
    after = (first + lengths)[lengths % 2 == 1]
    ends_open = bool(after.size) and int(after[-1]) >= block.size
    return _Escapes(np.concatenate([extra, after[after < block.size]]), ends_open)


def elements(handle: BinaryReader, *, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[Elements, list[Any] | None]]:
    """Yield the elements of the one JSON array in a binary file, a block's worth at a time, and their parsed values.

    Most blocks are not walked. From an element's first byte on, bytes that parse as the inside of an array end at an
    element's end, so a place that looks like the last one in a block is tried, and walking is for when that fails.

    Args:
        handle: a binary file that stands at the array's opening bracket or at blanks before it.
        block_bytes: how much to read at once.

    Yields:
        A run and its values: None where an element of it is not JSON; its brackets and quotes balance all the same.

    Raises:
        NotAnArrayError: the bytes are not an array, end before it does, or go on after it.
    """
    pending, offset = _opened(handle, block_bytes)
    structure, index, between = _Structure(), 0, b""
    fresh = True
    while True:
        at_end = not (block := handle.read(min(max(block_bytes, len(pending)), _LARGEST_READ)))
        if at_end and not (fresh and pending):
            problem = f"the file ends before the array is closed; the last {len(pending):,} bytes are not read"
            raise NotAnArrayError(problem, index=index, offset=offset)
        walked = 0 if fresh else len(pending)
        pending += block
        cut = pending.rfind(between) if fresh and between else -1
        if cut > 0 and (values := _values(pending[:cut])) is not None:
            yield Elements(pending[:cut], index, offset), values
            index, offset, pending = index + len(values), offset + cut + 1, pending[cut + 1 :]
            continue
        positions, kinds, depths = structure.walk(np.frombuffer(pending, dtype=np.uint8)[walked:])
        closed = np.flatnonzero(depths < 0)[:1]
        commas = positions[(kinds == _COMMA) & (depths == 0)] + walked
        if closed.size:
            end = int(positions[closed[0]]) + walked
            if index or pending[:end].strip():
                run = Elements(pending[:end], index, offset)
                yield run, _values(run.data)
                index += len(run)
            if kinds[closed[0]] != _CLOSE:
                raise NotAnArrayError("the array is closed by a brace", index=index, offset=offset + end)
            _expect_end(handle, pending[end + 1 :], index=index, offset=offset + end + 1)
            return
        fresh = bool(commas.size)
        if fresh:
            cut = int(commas[-1])
            yield Elements(pending[:cut], index, offset), _values(pending[:cut])
            between = _between(pending, commas)
            index, offset, pending = index + len(commas), offset + cut + 1, pending[cut + 1 :]
            structure = _Structure()
        elif len(pending) > MAX_ELEMENT_BYTES:
            problem = f"the row is longer than {MAX_ELEMENT_BYTES >> 20} MiB; nothing from here on is read"
            raise NotAnArrayError(problem, index=index, offset=offset)


def _opened(handle: BinaryReader, block_bytes: int) -> tuple[bytes, int]:
    """Read up to an array's opening bracket; return what was read behind it, and the byte that begins at."""
    offset = 0
    while block := handle.read(block_bytes):
        inside = block.lstrip(b" \t\r\n")
        offset += len(block) - len(inside)
        if inside[:1] == b"[":
            return inside[1:], offset + 1
        if inside:
            raise NotAnArrayError("the file does not begin with a JSON array", index=0, offset=offset)
    raise NotAnArrayError("the file is empty", index=0, offset=0)


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


def _expect_end(handle: BinaryReader, rest: bytes, *, index: int, offset: int) -> None:
    while rest or (rest := handle.read(BLOCK_BYTES)):
        stripped = rest.lstrip(b" \t\r\n")
        offset += len(rest) - len(stripped)
        if stripped:
            raise NotAnArrayError("there is something after the end of the array", index=index, offset=offset)
        rest = b""


def count_keys(data: bytes) -> int:
    """Return how many object keys a piece of valid JSON holds: the colons outside its strings."""
    block = np.frombuffer(data, dtype=np.uint8)
    colons = np.flatnonzero(block == _COLON)
    quotes = np.flatnonzero(block == _QUOTE)
    escaped = _escaped(block, carry=False).positions
    quotes = quotes[~np.isin(quotes, escaped)] if escaped.size else quotes
    return int(np.count_nonzero(np.searchsorted(quotes, colons) % 2 == 0))

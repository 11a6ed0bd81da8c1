"""Finding where the rows of a JSON array begin and end, without parsing them.

A file of hundreds of megabytes is one line of JSON. The scanner walks it block by block with numpy, knows strings from
structure, and hands out the byte ranges of the array's elements; a JSON parser then reads many of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_sft.annotations.text_lines import BinaryReader

__all__ = ["BLOCK_BYTES", "Elements", "NotAnArrayError", "count_keys", "elements"]

#: Small enough that a block's parsed objects stay in the processor's cache: twice as fast as a megabyte.
BLOCK_BYTES = 1 << 17
#: One element may not be longer than this: memory stays bounded on a file that never closes its first row.
MAX_ELEMENT_BYTES = 64 << 20

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
        bounds: where each begins and ends in `data`: element i is `data[bounds[i] + 1 : bounds[i + 1]]`.
        index: the first element's index in the array, from 0.
        offset: the byte of the file that `data` begins at.
    """

    data: bytes
    bounds: list[int]
    index: int
    offset: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def content(self) -> bytes:
        """The bytes of all elements, as they stand between the array's brackets."""
        return self.data[self.bounds[0] + 1 : self.bounds[-1]]

    def element(self, number: int) -> bytes:
        """Return the bytes of one element of the run."""
        return self.data[self.bounds[number] + 1 : self.bounds[number + 1]]


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


def elements(handle: BinaryReader, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Elements]:
    """Yield the elements of the one JSON array in a binary file, a block's worth at a time.

    Memory is bounded by the block and the longest element. The elements are not parsed, so a malformed one is still
    handed out, as long as its brackets and quotes balance.

    Args:
        handle: a binary file that stands at the array's opening bracket or at blanks before it.
        block_bytes: how much to read at once.

    Raises:
        NotAnArrayError: the bytes are not an array, end before it does, or go on after it.
    """
    structure = _Structure()
    rest = b""
    offset = index = 0
    began = False
    while block := handle.read(max(block_bytes, len(rest))):  # a long element is not copied over and over
        if not began:
            stripped = (rest + block).lstrip(b" \t\r\n")
            offset += len(rest) + len(block) - len(stripped)
            if not stripped:
                rest = b""
                continue
            if stripped[:1] != b"[":
                raise NotAnArrayError("the file does not begin with a JSON array", index=0, offset=offset)
            began, block, rest = True, stripped, b""
        positions, kinds, depths = structure.walk(np.frombuffer(block, dtype=np.uint8))
        closed = np.flatnonzero(depths <= 0)
        if closed.size:
            last = int(closed[0])
            positions, kinds, depths = positions[: last + 1], kinds[: last + 1], depths[: last + 1]
        commas = (kinds == _COMMA) & (depths == 1)
        commas |= depths == 0
        cuts = np.flatnonzero(commas)
        if cuts.size:
            edges = (positions[cuts] + len(rest)).tolist()
            data = rest + block[: int(positions[cuts[-1]])]
            start = 0 if index == 0 else -1
            only_blank = closed.size and len(edges) == 1 and not data[start + 1 :].strip()
            if not (only_blank and index == 0):
                yield Elements(data, [start, *edges], index, offset)
                index += len(edges)
            consumed = int(positions[cuts[-1]]) + 1
            offset += len(rest) + consumed
            rest = block[consumed:]
        else:
            rest += block
        if closed.size:
            if kinds[-1] != _CLOSE:
                raise NotAnArrayError("the array is closed by a brace", index=index, offset=offset - 1)
            _expect_end(handle, rest, index=index, offset=offset)
            return
        if len(rest) > MAX_ELEMENT_BYTES:
            problem = f"the row is longer than {MAX_ELEMENT_BYTES >> 20} MiB"
            raise NotAnArrayError(problem, index=index, offset=offset)
    if not began:
        raise NotAnArrayError("the file is empty", index=0, offset=0)
    raise NotAnArrayError("the file ends before the array is closed", index=index, offset=offset)


def _expect_end(handle: BinaryReader, rest: bytes, *, index: int, offset: int) -> None:
    while rest:
        stripped = rest.lstrip(b" \t\r\n")
        offset += len(rest) - len(stripped)
        if stripped:
            raise NotAnArrayError("there is something after the end of the array", index=index, offset=offset)
        rest = handle.read(BLOCK_BYTES)


def count_keys(data: bytes) -> int:
    """Return how many object keys a piece of valid JSON holds: the colons outside its strings."""
    block = np.frombuffer(data, dtype=np.uint8)
    colons = np.flatnonzero(block == _COLON)
    quotes = np.flatnonzero(block == _QUOTE)
    escaped = _escaped(block, carry=False).positions
    quotes = quotes[~np.isin(quotes, escaped)] if escaped.size else quotes
    return int(np.count_nonzero(np.searchsorted(quotes, colons) % 2 == 0))

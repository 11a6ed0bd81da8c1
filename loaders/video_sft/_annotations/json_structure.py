"""What is structure in a block of JSON and what is inside its strings, found with numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Structure", "count_keys"]

_QUOTE, _BACKSLASH, _COMMA, _COLON = (ord(character) for character in '"\\,:')
_OPENERS = np.zeros(256, dtype=np.int8)
_OPENERS[[ord("{"), ord("[")]] = 1
_OPENERS[[ord("}"), ord("]")]] = -1
_INTERESTING = _OPENERS != 0
_INTERESTING[[_QUOTE, _COMMA]] = True


@dataclass
class Structure:
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


def count_keys(data: bytes) -> int:
    """Return how many object keys a piece of valid JSON holds: the colons outside its strings."""
    block = np.frombuffer(data, dtype=np.uint8)
    colons = np.flatnonzero(block == _COLON)
    quotes = np.flatnonzero(block == _QUOTE)
    escaped = _escaped(block, carry=False).positions
    quotes = quotes[~np.isin(quotes, escaped)] if escaped.size else quotes
    return int(np.count_nonzero(np.searchsorted(quotes, colons) % 2 == 0))

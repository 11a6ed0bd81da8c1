"""Bit fields of video headers, from the most significant bit on."""

from __future__ import annotations

__all__ = ["Bits"]

#: Of a number of 32 bits.
_LONGEST_PREFIX = 32


class Bits:
    """Reads one number after the other; what lies behind the end reads as zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, width: int) -> int:
        """Read an unsigned number of so many bits."""
        self._left -= width
        shifted = self._value >> self._left if self._left >= 0 else self._value << -self._left
        return shifted & ((1 << width) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return bool(self.take(1))

    def exp_golomb(self) -> int:
        """Read an unsigned number of H.264's and HEVC's variable length, ``ue(v)``.

        Raises:
            ValueError: there is none.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if self._left <= 0 or zeros > _LONGEST_PREFIX:
                raise ValueError("a header is cut off")
        return (1 << zeros) - 1 + self.take(zeros)

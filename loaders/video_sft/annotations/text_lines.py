"""Lines of a file of any size, none of them longer than memory should hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from video_sft.annotations.problems import Problems
from video_sft.errors import RowError

__all__ = ["MAX_LINE_BYTES", "BinaryReader", "lines"]

MAX_LINE_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 20
_REMEDY = "Get the file again: it is not this source's annotation file"


class BinaryReader(Protocol):
    """Anything that hands out bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


def lines(handle: BinaryReader, name: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number from 1, its line break kept.

    Raises:
        RowError: under the policy `error`, for a line longer than 16 MiB, which ends the reading.
    """
    number = 1
    rest: list[bytes] = []
    held = 0
    while block := handle.read(_BLOCK_BYTES):
        *complete, last = block.split(b"\n")
        for line in complete:
            rest.append(line)
            yield number, b"".join(rest) + b"\n"
            rest, held = [], 0
            number += 1
        rest.append(last)
        held += len(last)
        if held > MAX_LINE_BYTES:
            problem = f"the line is longer than {MAX_LINE_BYTES >> 20} MiB"
            problems.meet(RowError(file=name, position=f"line {number}", field=None, problem=problem, remedy=_REMEDY))
            return
    if held:
        yield number, b"".join(rest)

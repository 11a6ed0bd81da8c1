"""Lines of a file of any size, none of them longer than memory should hold."""

from __future__ import annotations

from collections.abc import Iterator

from video_sft._annotations.problems import Problems
from video_sft._files import Readable
from video_sft.errors import BrokenFileError, RowError

__all__ = ["MAX_LINE_BYTES", "NOT_THE_FILE", "cut_short", "lines"]

MAX_LINE_BYTES = 16 << 20
#: What to do about a file that cannot be read as what it should be.
NOT_THE_FILE = "Get the file again: it is not this source's annotation file"
_BLOCK_BYTES = 1 << 20


def lines(handle: Readable, name: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number from 1, its line break kept.

    A file whose compressed data ends early is read up to there.

    Raises:
        RowError: under the policy `error`, for a line longer than 16 MiB, which is left out, and a file cut short.
    """
    number = 1
    rest: list[bytes] = []
    held = 0
    while True:
        try:
            block = handle.read(_BLOCK_BYTES)
        except BrokenFileError as error:
            problems.meet(cut_short(error, name, f"line {number}"))
            return
        if not block:
            break
        *complete, last = block.split(b"\n")
        for line in complete:
            if held + len(line) > MAX_LINE_BYTES:
                problems.meet(_too_long(name, number))
            else:
                yield number, b"".join([*rest, line, b"\n"])
            rest, held = [], 0
            number += 1
        held += len(last)
        rest = [*rest, last] if held <= MAX_LINE_BYTES else []
    if held > MAX_LINE_BYTES:
        problems.meet(_too_long(name, number))
    elif held:
        yield number, b"".join(rest)


def cut_short(error: BrokenFileError, name: str, position: str) -> RowError:
    """Return the row at which a file that is cut short ends.

    Raises:
        BrokenFileError: the one given, when the file is damaged in another way: what came before it is not sure either.
    """
    if not error.cut_short:
        raise error
    problem = "the file's compressed data ends early; rows from here on, however many there were, are missing"
    return RowError(file=name, position=position, field=None, problem=problem, remedy="Get the file again")


def _too_long(name: str, number: int) -> RowError:
    problem = f"the line is longer than {MAX_LINE_BYTES >> 20} MiB"
    return RowError(file=name, position=f"line {number}", field=None, problem=problem, remedy=NOT_THE_FILE)

"""Rows of a file with one JSON object a line, or over several lines, read on behind damage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from video_sft._annotations.json_arrays import MAX_ROW_BYTES, TRUNCATED, read_row
from video_sft._annotations.json_values import sound_rows
from video_sft._annotations.problems import Problems
from video_sft._annotations.source_row import SourceRow
from video_sft._annotations.text_lines import lines
from video_sft._files import Readable
from video_sft.errors import RowError

__all__ = ["line_rows"]

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SIDE_BY_SIDE = re.compile(rb"[}\]]\s*\{\s*\"")


def line_rows(stream: Readable, name: str, problems: Problems) -> Iterator[SourceRow]:
    """Yield the rows of a file whose first value is an object.

    A line that is an object is a row of its own, whatever was open before it: of a row that is never closed only its
    own lines are lost.

    Raises:
        RowError: all of the file is one object over several lines, so no row but a table of something; and, under the
            policy `error`, for the first row that is bad.
    """
    open_row = _OpenRow()
    waiting: SourceRow | None = None  # the first row, of several lines, until another shows that it is not all there is
    for number, line in lines(stream, name, problems):
        whole = sound_rows(line)
        found = [SourceRow(whole[0], name, ("line", number, -1))] if whole and len(whole) == 1 else []
        if found and (not open_row.size or line[:1] == b"{"):
            found = [*open_row.rows(name, problems), *found]
        elif open_row.ends_with(number, line):
            several = open_row.start == 1 and number > 1
            found = open_row.rows(name, problems)
            if several and found and waiting is None:
                waiting, found = found[0], []
        else:
            found = []
        if waiting is not None and found:
            yield waiting
            waiting = None
        yield from found
    if waiting is not None and not open_row.size:
        problem = "one JSON object over many lines, where an array of rows is expected"
        raise RowError(file=name, position="line 1", field=None, problem=problem, remedy=TRUNCATED)
    yield from [waiting] if waiting is not None else []
    yield from open_row.rows(name, problems)


class _OpenRow:
    """The lines so far of a row that is not closed.

    Attributes:
        start: the first one's number.
        size: how many bytes they have; 0 where no row is open.
    """

    def __init__(self) -> None:
        self.start = self.size = self._depth = 0
        self._lines: list[bytes] = []
        self._in_text = False

    def ends_with(self, number: int, line: bytes) -> bool:
        """Take in a line; return whether the brackets and quotes so far are closed behind it."""
        if not self.size:
            if not line.strip():
                return False
            self.start = number
        self.size += len(line)
        self._lines = [*self._lines, line] if self.size <= MAX_ROW_BYTES else []
        outside, quote, _ = _TEXT.sub(b"", (b'"' if self._in_text else b"") + line).partition(b'"')
        self._in_text = bool(quote)
        self._depth += sum(map(outside.count, (b"{", b"["))) - sum(map(outside.count, (b"}", b"]")))
        return self._depth <= 0 and not self._in_text

    def rows(self, name: str, problems: Problems) -> list[SourceRow]:
        """Return the row, if it is one, and begin anew."""
        data, size, blank = b"".join(self._lines), self.size, SourceRow({}, name, ("line", self.start, -1))
        self.__init__()  # type: ignore[misc]
        if not size:
            return []
        if size > MAX_ROW_BYTES:
            problem = f"the row is longer than {MAX_ROW_BYTES >> 20} MiB"
            problems.meet(blank.error(None, problem, TRUNCATED))
            return []
        row = read_row(data.rstrip().removesuffix(b","), blank, problems)
        if row is None:  # which was counted, as are others on the same line
            for _ in _SIDE_BY_SIDE.findall(data):
                problems.meet(blank.error(None, "not valid JSON: another row on the same line"))
        return [] if row is None else [row]

"""Rows of a CSV with a header, every cell kept as text.

A reader that guesses types would turn ids, answers and question numbers into integers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from video_sft._annotations.problems import Problems
from video_sft._annotations.source_row import SourceRow
from video_sft._annotations.text_lines import NOT_THE_FILE, lines
from video_sft._places import open_binary
from video_sft.errors import RowError

__all__ = ["csv_header", "csv_rows"]


def csv_header(location: str) -> list[str]:
    """Return the column names in a CSV's first line; an empty list where there are none to read."""
    with open_binary(location) as handle:
        first = handle.read(1 << 16).split(b"\n")[0]
    try:
        return next(csv.reader([first.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def csv_rows(location: str, name: str, problems: Problems, *, columns: Sequence[str]) -> Iterator[SourceRow]:
    """Yield the rows of a CSV as mappings of column to text; those of `columns` must be there, others are kept too.

    Raises:
        BrokenFileError: the file is damaged.
        RowError: the header is not the one expected; or, under the policy `error`, for the first row with a cell too
            few or too many, a quote that is not closed, or bytes that are not UTF-8.
    """
    with open_binary(location) as handle:
        text = _Decoded(handle, name, problems)
        header = _next_cells(text, name, problems)
        if not header:
            raise _header_error(name, "the file is empty")
        missing = [column for column in columns if column not in header]
        if missing or len(set(header)) != len(header):
            found = ",".join(header)
            shown = found if len(found) <= 200 else found[:197] + "..."
            raise _header_error(name, f"the header should have the columns {','.join(columns)}; found {shown!r}")
        while True:
            start = text.number + 1
            cells = _next_cells(text, name, problems)
            if cells is None:
                return
            if not cells or cells == [""] or (len(cells) == 1 and cells[0].isspace()):
                continue  # an empty line, or one already counted as bad
            row = SourceRow(dict(zip(header, cells, strict=False)), name, ("line", start, -1))
            if len(cells) != len(header):
                problem = f"{len(cells)} cells where the header has {len(header)}"
                problems.meet(row.error(header[len(cells)] if len(cells) < len(header) else None, problem))
                text.back_to_second_line()
                continue
            yield row


class _Decoded:
    """A file's lines as text; a line that is not UTF-8 is counted as bad and read as an empty one.

    A quote that is never closed would swallow the lines behind it, so the lines of the row at hand are kept (a cell has
    a largest size, which bounds them): of a row that cannot be read, the first line is bad, the others are read anew.
    """

    def __init__(self, handle: object, name: str, problems: Problems) -> None:
        self._lines = lines(handle, name, problems)  # type: ignore[arg-type]
        self._name = name
        self._problems = problems
        self._again: list[tuple[int, str]] = []
        self._row: list[tuple[int, str]] = []
        self.number = 0

    def next_row(self) -> list[str] | None:
        """Return the cells of the next row, None at the end.

        Raises:
            csv.Error: the row is not valid CSV.
        """
        self._row = []
        return next(csv.reader(self, strict=True), None)

    def back_to_second_line(self) -> None:
        """Stand behind the first line of the row just read."""
        first, *others = self._row
        self._again = [*others, *self._again]
        self._row, self.number = [first], first[0]

    def __iter__(self) -> _Decoded:
        return self

    def __next__(self) -> str:
        if self._again:
            self._row.append(self._again.pop(0))
        else:
            text = self._decoded()
            self._row.append((self.number, text))
        self.number = self._row[-1][0]
        return self._row[-1][1]

    def _decoded(self) -> str:
        self.number, line = next(self._lines)
        try:
            text = line.decode("utf-8-sig" if self.number == 1 else "utf-8")
            if "\0" not in text:
                return text
            problem = "the line has a null character in it"
        except UnicodeDecodeError as error:
            problem = f"the line is not UTF-8 text: {error.reason} at byte {error.start}"
        position = f"line {self.number}"
        bad = RowError(file=self._name, position=position, field=None, problem=problem, remedy=NOT_THE_FILE)
        if self.number == 1:
            raise bad
        self._problems.meet(bad)
        return "\n"


def _next_cells(text: _Decoded, name: str, problems: Problems) -> list[str] | None:
    start = text.number + 1
    try:
        return text.next_row()
    except csv.Error as error:
        problem = f"not valid CSV: {error}"
        problems.meet(RowError(file=name, position=f"line {start}", field=None, problem=problem, remedy=NOT_THE_FILE))
        text.back_to_second_line()
        return []


def _header_error(name: str, problem: str) -> RowError:
    return RowError(file=name, position="line 1", field=None, problem=problem, remedy=NOT_THE_FILE)

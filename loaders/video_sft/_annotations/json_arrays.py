"""Rows of a JSON array of any size, in bounded memory, read on behind damage.

A file of hundreds of megabytes is one line of JSON. Rows begin alike (`, {"video":`), so a block is cut before the last
such beginning and given to orjson at once: 1.3 times as fast a build as one that goes row by row. That way is for the
rest, with the standard library's decoder: a file's ends, rows that begin otherwise, and what is damaged.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterator

from video_sft._annotations.json_values import BadValueError, sound_rows, strict_object
from video_sft._annotations.problems import Problems
from video_sft._annotations.source_row import SourceRow
from video_sft._annotations.text_lines import cut_short
from video_sft._files import Readable
from video_sft.errors import BrokenFileError, RowError

__all__ = ["BLOCK_BYTES", "MAX_ROW_BYTES", "TRUNCATED", "array_rows", "read_row"]

TRUNCATED = "Get the file again: it is cut short or is not this source's annotation file"
#: Small enough that a block's parsed objects stay in the processor's cache: twice as fast as a megabyte.
BLOCK_BYTES = 1 << 17
#: One row may not be longer than this: memory stays bounded on a file that never closes its first row.
MAX_ROW_BYTES = 64 << 20
_LARGEST_READ = 8 << 20
_LONGEST_BETWEEN = 100
#: Of a damaged row, where its brackets close is looked for in so many bytes; a longer one ends where the next begins.
_WALKED = 1 << 20
_BLANK = re.compile(r"[ \t\r\n]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.){1,100}")\s*:')
_LATER_KEY = re.compile(r"[}\]]\s*,\s*" + _FIRST_KEY.pattern)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
#: Finds where a value ends; what it is, orjson reads.
_DECODER = json.JSONDecoder(parse_int=len, parse_float=len, strict=False)


def array_rows(
    stream: Readable, name: str, problems: Problems, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[SourceRow]:
    """Yield the objects of the JSON array whose opening bracket, or blanks before it, a binary file stands at."""
    return _Scan(stream, name, problems, block_bytes).rows()


def read_row(data: bytes, blank: SourceRow, problems: Problems) -> SourceRow | None:
    """Return the row that some JSON is, in the place of a blank one; None where it is bad."""
    try:
        value, missing = strict_object(data)
    except BadValueError as error:
        problems.meet(blank.error(error.field, str(error)))
        return None
    if missing:
        problems.mend("Values that are NaN, read as null", missing)
    return SourceRow(value, blank.file, blank.place)


def _offset_of(data: bytes, index: int, offset: int, number: int) -> int:
    """Return the byte of the file that a row begins at, one of some that were read at once behind `index` others."""
    text, place = data.decode("latin-1"), 0
    for _ in range(number - 1 - index):
        place = _skip(text, _DECODER.raw_decode(text, _skip(text, place))[1]) + 1
    return offset + _skip(text, place)


class _Scan:
    """Where reading stands: what is read and not yet handed out, and how the array looked so far."""

    def __init__(self, stream: Readable, name: str, problems: Problems, block_bytes: int) -> None:
        self._stream, self._name, self._problems, self._block_bytes = stream, name, problems, block_bytes
        self._pending, self._offset, self._index = b"", 0, 0
        self._ended = self._closed = self._behind_comma = False
        self._cut_short: BrokenFileError | None = None
        self._told: set[str] = set()
        self._between = b""  # what stands between two rows, up to the colon of the first key
        self._beginning: re.Pattern[str] | None = None  # how rows begin

    def rows(self) -> Iterator[SourceRow]:
        while not self._pending and not self._ended:
            self._read()
            self._drop(len(self._pending) - len(self._pending.lstrip()))
        self._drop(1)  # the opening bracket
        while True:
            ended, left = self._ended, len(self._pending)
            cut = self._pending.rfind(self._between) if self._between else -1
            if cut > 0 and (values := sound_rows(self._pending[:cut])):
                offset_of = functools.partial(_offset_of, self._pending[:cut], self._index, self._offset)
                for number, value in enumerate(values, self._index + 1):
                    yield SourceRow(value, self._name, ("row", number, offset_of))
                self._index += len(values)
                self._drop(cut + 1)
            else:
                yield from self._one_by_one()
            if ended and len(self._pending) == left:
                break
            self._read()
        self._end()

    def _read(self) -> None:
        """Read a block; as much as there is already, where that is no whole row."""
        held = len(self._pending)
        wanted = max(min(held, _LARGEST_READ, MAX_ROW_BYTES + 1 - held), self._block_bytes)
        try:
            block = b"" if self._ended else self._stream.read(wanted)
        except BrokenFileError as error:
            self._cut_short, block = error, b""
        self._ended = not block
        self._pending += block

    def _drop(self, count: int) -> None:
        self._pending = self._pending[count:]
        self._offset += count

    def _one_by_one(self) -> Iterator[SourceRow]:
        """Hand out the rows that are whole in the bytes at hand; at the file's end, what can be had of the rest."""
        text, place = self._pending.decode("latin-1"), 0  # a letter a byte, so that places are those of the file
        while (place := _skip(text, place)) < len(text):
            if self._closed and text[place] != "{":
                place = self._next_array(text, place)
            elif text[place] in "]}" and not self._behind_comma:
                if text[place] == "}":
                    self._note("the array is closed by a brace", place, loses=not self._index)
                self._closed, place = True, place + 1
            else:
                end = self._end_of_row(text, place)
                if (len(text) if end is None else end) - place > MAX_ROW_BYTES:
                    self._drop(place)
                    self._pass_over()
                    return
                if end is None:
                    break
                if self._closed:
                    self._note(_MORE, place)
                self._index += 1
                blank = SourceRow({}, self._name, ("row", self._index, self._offset + place))
                row = read_row(text[place:end].encode("latin-1"), blank, self._problems)
                if row is not None:
                    yield row
                place = self._behind_row(text, end)
        self._drop(place)

    def _next_array(self, text: str, place: int) -> int:
        """Go on behind the array's end where more rows follow: another array, or rows without brackets around them."""
        self._note(_MORE, place)
        follows = re.compile(r"[\[{]").search(text, place)
        if follows is None:
            return len(text)
        self._closed = follows.group() == "{"
        return follows.start() + (not self._closed)

    def _end_of_row(self, text: str, place: int) -> int | None:
        """Return where a row ends; None where that is not in the bytes at hand."""
        if self._beginning is None and (key := _FIRST_KEY.match(text, place)):
            self._beginning = _beginning_with(key[1])
        if text[place] in ",]}":
            return place  # nothing between two commas
        sure = True
        try:
            end = _DECODER.raw_decode(text, place)[1]
            return end if self._ended or _skip(text, end) < len(text) else None
        except json.JSONDecodeError as error:
            sure = error.pos < len(text) - _LONGEST_BETWEEN and not error.msg.startswith("Unterminated")
        except RecursionError:
            pass
        if not sure and not self._ended and len(text) - place <= MAX_ROW_BYTES:
            return None
        ends = [end for end in (_end_by_brackets(text, place), self._end_by_next(text, place)) if end is not None]
        last = len(text.rstrip()) - 1
        if not ends and sure and self._ended and text[last] == "]":
            return last
        return min(ends, default=None)

    def _end_by_next(self, text: str, place: int) -> int | None:
        """Return where a row that is no JSON ends, going by where one begins that begins like the first."""
        if self._beginning is None:  # the first row itself is broken: the key that cuts out most rows is theirs
            keys = {match[1] for match in _LATER_KEY.finditer(text, place, place + BLOCK_BYTES)}
            if not keys:
                return None
            self._beginning = max(map(_beginning_with, sorted(keys)), key=lambda each: _rows_cut_by(each, text, place))
        return next(_ends(self._beginning, text, place + 1), None)

    def _behind_row(self, text: str, end: int) -> int:
        """Return where the next row may begin."""
        place = _skip(text, end)
        self._behind_comma = text[place : place + 1] == ","
        if self._behind_comma:
            colon = text.find(":", place, place + _LONGEST_BETWEEN)
            if colon > 0 and text[_skip(text, place + 1)] == "{":
                self._between = text[place : colon + 1].encode("latin-1")
            return place + 1
        if text[place : place + 1] == "{" and not self._closed:
            self._note("there is no comma between two rows", place)
        return place

    def _pass_over(self) -> None:
        """Read on to where a row begins behind one that is too long."""
        self._index += 1
        self._note(f"the row is longer than {MAX_ROW_BYTES >> 20} MiB", 0, loses=True, row=self._index)
        while True:
            text = self._pending.decode("latin-1")
            end = self._end_by_next(text, 0)
            if end is not None:
                self._drop(self._behind_row(text, end))
                return
            self._drop(len(text) - 2 * _LONGEST_BETWEEN)
            if self._ended:
                self._drop(len(self._pending))
                self._closed = True
                self._note("the file ends in a row that is too long", 0)
                return
            self._read()

    def _end(self) -> None:
        """Tell of bytes that end inside a row or before the array is closed."""
        if self._cut_short is not None:
            position = f"row {self._index + 1} (byte {self._offset})"
            error = cut_short(self._cut_short, self._name, position)
            self._problems.read_past(error) if self._closed else self._problems.meet(error)
        elif self._pending:
            size = f"{len(self._pending):,}"
            self._note(f"the file ends before the array is closed; the last {size} bytes are not read", 0, loses=True)
        elif not self._closed:
            told = "the file ends before the array is closed; rows behind it, if there were any, are missing"
            self._note(told, 0, loses=True)

    def _note(self, problem: str, place: int, *, loses: bool = False, row: int | None = None) -> None:
        """Tell of a place where the bytes are not those of one array: of each kind once, of each row that is lost."""
        if problem in self._told and not loses:
            return
        self._told.add(problem)
        position = f"row {self._index + 1 if row is None else row} (byte {self._offset + place})"
        error = RowError(file=self._name, position=position, field=None, problem=problem, remedy=TRUNCATED)
        self._problems.meet(error) if loses else self._problems.read_past(error)


_MORE = "there is something after the end of the array"


def _skip(text: str, place: int) -> int:
    """Return the next place that is not blank."""
    return _BLANK.match(text, place).end()  # type: ignore[union-attr]


def _end_by_brackets(text: str, place: int) -> int | None:
    """Return where a row's brackets close, if another value or the array's end follows there."""
    depth = 0
    for token in _TOKEN.finditer(text, place, place + _WALKED):
        kind = token.group()
        if kind in ",]}" and not depth:
            break
        depth += (kind in "{[") - (kind in "}]")
    else:
        return None
    end = token.start()
    if kind == ",":
        try:
            _DECODER.raw_decode(text, _skip(text, end + 1))
        except (json.JSONDecodeError, RecursionError):
            return None
    return end


def _beginning_with(key: str) -> re.Pattern[str]:
    return re.compile(r"\{\s*" + re.escape(key) + r"\s*:")


def _ends(beginning: re.Pattern[str], text: str, place: int) -> Iterator[int]:
    """Yield where rows end because another begins: at the comma before it, or behind a bracket near it."""
    for match in beginning.finditer(text, place):
        before = text[max(place, match.start() - _LONGEST_BETWEEN) : match.start()]
        if before.rstrip().endswith(","):
            yield match.start() - len(before) + len(before.rstrip()) - 1
        elif near := re.search(r'[}\]][^}\],{\["]*$', before):
            yield match.start() - len(before) + near.start() + 1


def _rows_cut_by(beginning: re.Pattern[str], text: str, place: int) -> int:
    ends = list(_ends(beginning, text[: place + BLOCK_BYTES], place))
    pieces = (text[one:other].lstrip(", \t\r\n") for one, other in itertools.pairwise(ends))
    return sum(sound_rows(piece.encode("latin-1")) is not None for piece in pieces)

"""Rows of a JSON array, or of JSON lines, as a stream in bounded memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from video_sft._annotations.json_numbers import exact_numbers, loads
from video_sft._annotations.json_scan import MAX_ELEMENT_BYTES, Break, Elements, elements, rows_side_by_side
from video_sft._annotations.json_structure import Structure, count_keys
from video_sft._annotations.problems import Problems
from video_sft._annotations.source_row import Place, SourceRow
from video_sft._annotations.text_lines import BinaryReader, cut_short, lines
from video_sft._places import open_binary
from video_sft.errors import BrokenFileError, RowError

__all__ = ["json_object", "json_rows"]

_LINES_PER_BATCH = 4096
_OBJECT_BYTES = 256 << 20
_TOO_DEEP = "nested too deep to be a row"
_TRUNCATED = "Get the file again: it is cut short or is not this source's annotation file"
_BOM = b"\xef\xbb\xbf"


def json_rows(location: str, name: str, problems: Problems) -> Iterator[SourceRow]:
    """Yield the objects of a JSON array, or of a file with one JSON object a line.

    Args:
        location: the file, local or remote.
        name: what messages call it.
        problems: takes in the rows that cannot be read.

    Raises:
        RowError: under the policy `error`, for the first row that is not a JSON object, repeats a key, or is cut short.
    """
    with open_binary(location) as handle:
        stream = _Peeked(handle)
        first = stream.first_byte(name)
        if first == b"{":
            yield from _line_rows(stream, name, problems)
        else:
            yield from _array_rows(stream, name, problems)


def json_object(location: str, name: str) -> dict[str, Any]:
    """Return the one JSON object a (small) file holds.

    Raises:
        RowError: the file holds anything else, repeats a key, or is over 256 MiB.
    """
    with open_binary(location) as handle:
        data = handle.read(_OBJECT_BYTES + 1)
    if len(data) > _OBJECT_BYTES:
        problem = f"the file is over {_OBJECT_BYTES >> 20} MiB, too long for a table of ids"
        raise RowError(file=name, position="byte 0", field=None, problem=problem, remedy=_TRUNCATED)
    data = data.removeprefix(_BOM)
    try:
        value, _ = loads(data)
        repeats = _repeats(data, value)
    except orjson.JSONDecodeError as error:
        position = f"byte {error.pos}"
        raise RowError(file=name, position=position, field=None, problem=str(error), remedy=_TRUNCATED) from None
    except orjson.JSONEncodeError:
        raise RowError(file=name, position="byte 0", field=None, problem=_TOO_DEEP, remedy=_TRUNCATED) from None
    if not isinstance(value, dict):
        problem = f"expected one JSON object, found a {type(value).__name__}"
        raise RowError(file=name, position="byte 0", field=None, problem=problem, remedy=_TRUNCATED)
    if repeats:
        repeated = _repeated_key(data)
        problem = "the key appears twice in one object"
        raise RowError(file=name, position="byte 0", field=repeated, problem=problem, remedy=_TRUNCATED)
    found: dict[str, Any] = exact_numbers(data, value)
    return found


class _Peeked:
    """A binary stream whose byte-order mark is dropped and whose first byte was looked at."""

    def __init__(self, handle: BinaryReader) -> None:
        self._handle = handle
        self._start = handle.read(1 << 16).removeprefix(_BOM)

    def first_byte(self, name: str) -> bytes:
        byte = self._start.lstrip()[:1]
        if byte not in (b"{", b"["):
            problem = f"expected a JSON array, the file begins with {self._start[:16]!r}"
            if not self._start:
                problem = "the file is empty"
            raise RowError(file=name, position="byte 0", field=None, problem=problem, remedy=_TRUNCATED)
        return byte

    def read(self, size: int = -1) -> bytes:
        if self._start:
            taken, self._start = self._start[:size], self._start[size:]
            return taken
        return self._handle.read(size)


class _ToItsEnd:
    """A stream that ends where its compressed data does, and remembers whether that was too early."""

    def __init__(self, stream: BinaryReader) -> None:
        self._stream = stream
        self.error: BrokenFileError | None = None

    def read(self, size: int = -1, /) -> bytes:
        if self.error is not None:
            return b""
        try:
            return self._stream.read(size)
        except BrokenFileError as error:
            self.error = error
            return b""


def _array_rows(stream: BinaryReader, name: str, problems: Problems) -> Iterator[SourceRow]:
    whole = _ToItsEnd(stream)
    for run, values in elements(whole):
        if isinstance(run, Break):
            position = f"row {run.index + 1} (byte {run.offset})"
            error = RowError(file=name, position=position, field=None, problem=run.problem, remedy=_TRUNCATED)
            if whole.error is not None:
                problems.meet(cut_short(whole.error, name, position))
                return
            problems.meet(error) if run.loses else problems.read_past(error)
        elif values is None or not _sound(run, values):
            yield from _one_by_one(run, name, problems)
        else:
            for number, value in enumerate(exact_numbers(run.data, values), run.index + 1):
                yield SourceRow(value, name, ("row", number, run))
    if whole.error is not None:
        problems.read_past(cut_short(whole.error, name, "byte 0"))


def _sound(run: Elements, values: list[Any]) -> bool:
    """Return whether a run's values are objects that hold all of what the run does."""
    try:
        return all(type(value) is dict for value in values) and not _repeats(run.data, values)
    except orjson.JSONEncodeError:
        return False


def _one_by_one(run: Elements, name: str, problems: Problems) -> Iterator[SourceRow]:
    for number in range(len(run)):
        place = ("row", run.index + number + 1, run)
        yield from _row_of(run.element(number), name, place, problems)


def _row_of(data: bytes, name: str, place: Place, problems: Problems) -> Iterator[SourceRow]:
    blank = SourceRow({}, name, place)
    try:
        value, missing = loads(data)
        repeats = _repeats(data, value)
    except orjson.JSONDecodeError as error:
        problem = f"not valid JSON: {error}" if data.strip() else "nothing between two commas"
        for _ in range(rows_side_by_side(data)):
            problems.meet(blank.error(None, problem))
        return
    except orjson.JSONEncodeError:
        problems.meet(blank.error(None, _TOO_DEEP))
        return
    if not isinstance(value, dict):
        problems.meet(blank.error(None, f"expected an object, found a {type(value).__name__}"))
    elif repeats:
        problems.meet(blank.error(_repeated_key(data), "the key appears twice in one object"))
    else:
        if missing:
            problems.mend("Values that are NaN, read as null", missing)
        yield SourceRow(exact_numbers(data, value), name, place)


def _line_rows(stream: BinaryReader, name: str, problems: Problems) -> Iterator[SourceRow]:
    values = _ValuesOverLines(name, problems)
    numbered = lines(stream, name, problems)
    while batch := list(itertools.islice(numbered, _LINES_PER_BATCH)):
        for number, line in batch:
            row = _quickly(line, name, number)
            if row is None or (values.open and line[:1] != b"{"):
                yield from values.add(number, line)
            else:
                yield from values.broken_off()
                yield row
    yield from values.end()


class _ValuesOverLines:
    """Puts together rows that are written over several lines, and tells what is no row.

    A line that ends inside a text is broken, for JSON has no line breaks there; and an object that begins where a line
    does and ends on it is a row of its own, so that of a row that is never closed only its own lines are lost.
    """

    def __init__(self, name: str, problems: Problems) -> None:
        self._name = name
        self._problems = problems
        self._held: list[bytes] = []
        self._start = 0
        self._size = 0
        self._structure = Structure()
        self._only: SourceRow | None = None

    @property
    def open(self) -> bool:
        """Whether the lines so far end inside a row."""
        return self._size > 0

    def add(self, number: int, line: bytes) -> Iterator[SourceRow]:
        """Take in a line; yield the row it ends."""
        if self._structure.in_string:
            broken = b"".join(self._held).rstrip(b"\r\n") + b"\\n" + line
            if _quickly(broken, self._name, self._start) is not None:  # one row in two pieces
                self._held.append(line)
                yield from self._row(several=False)
                return
            yield from self._row(several=False)
        if not self._size:
            if not line.strip():
                return
            self._start = number
        self._size += len(line)
        self._structure.walk(np.frombuffer(line, dtype=np.uint8))
        if self._size <= MAX_ELEMENT_BYTES:
            self._held.append(line)
        else:
            self._held = []
        if self._structure.depth <= 0 and not self._structure.in_string:
            yield from self._row(several=number > self._start)

    def broken_off(self) -> Iterator[SourceRow]:
        """Give up a row that does not end before the next begins; yield one that was waited with."""
        if self._size:
            yield from self._row(several=False)
        if self._only is not None:
            yield self._only
            self._only = None

    def end(self) -> Iterator[SourceRow]:
        """Yield the last row, if one is not yet handed out.

        Raises:
            RowError: all of the file is one object over several lines, so no row but a table of something.
        """
        if self._only is not None and not self._size:
            problem = "one JSON object over many lines, where an array of rows is expected"
            raise RowError(file=self._name, position="line 1", field=None, problem=problem, remedy=_TRUNCATED)
        yield from self.broken_off()

    def _row(self, *, several: bool) -> Iterator[SourceRow]:
        data, size, place = b"".join(self._held), self._size, ("line", self._start, -1)
        self._held, self._size, self._structure = [], 0, Structure()
        if size > MAX_ELEMENT_BYTES:
            problem = f"the row is longer than {MAX_ELEMENT_BYTES >> 20} MiB"
            self._problems.meet(SourceRow({}, self._name, place).error(None, problem, _TRUNCATED))
            return
        if data.rstrip().endswith(b","):
            data = data.rstrip()[:-1]
        for row in _row_of(data, self._name, place, self._problems):
            yield from self.broken_off()
            if several and self._start == 1:
                self._only = row
            else:
                yield row


def _quickly(line: bytes, name: str, number: int) -> SourceRow | None:
    """Return a line that is one sound object as a row."""
    try:
        value = orjson.loads(line)
        if type(value) is dict and not _repeats(line, value):
            return SourceRow(exact_numbers(line, value), name, ("line", number, -1))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return None


def _repeats(data: bytes, value: Any) -> bool:
    """Return whether an object in some JSON holds a key twice, of which its parsed value has the last only.

    Every key has a colon, so a key that was dropped shows as a colon less in the value written out again; only text
    that spells its colons as escapes needs a look at what is a key.

    Raises:
        orjson.JSONEncodeError: the value is nested too deep.
    """
    again = orjson.dumps(value)
    if data.count(b":") == again.count(b":") and b"\\u003" not in data:
        return False
    return count_keys(data) != count_keys(again)


def _repeated_key(data: bytes) -> str | None:
    """Return the first key that one object of valid JSON holds twice."""
    repeated: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in pairs:
            if key in seen:
                repeated.append(key)
            seen.add(key)

    json.loads(data, object_pairs_hook=check)
    return repeated[0] if repeated else None

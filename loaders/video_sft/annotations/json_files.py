"""Rows of a JSON array, or of JSON lines, as a stream in bounded memory."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import IO, Any

import orjson

from video_sft.annotations.json_numbers import exact_numbers, loads
from video_sft.annotations.json_scan import Elements, NotAnArrayError, count_keys, elements
from video_sft.annotations.problems import Problems
from video_sft.annotations.row import Place, Row
from video_sft.annotations.text_lines import BinaryReader, lines
from video_sft.errors import RowError
from video_sft.locations import open_binary

__all__ = ["json_object", "json_rows"]

_LINES_PER_BATCH = 4096
_OBJECT_BYTES = 256 << 20
_TOO_DEEP = "nested too deep to be a row"
_TRUNCATED = "Get the file again: it is cut short or is not this source's annotation file"
_BOM = b"\xef\xbb\xbf"


def json_rows(location: str, name: str, problems: Problems) -> Iterator[Row]:
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

    def __init__(self, handle: IO[bytes]) -> None:
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


def _array_rows(stream: BinaryReader, name: str, problems: Problems) -> Iterator[Row]:
    try:
        for run, values in elements(stream):
            if values is None or not _sound(run, values):
                yield from _one_by_one(run, name, problems)
                continue
            for number, value in enumerate(exact_numbers(run.data, values), run.index + 1):
                yield Row(value, name, ("row", number, run))
    except NotAnArrayError as error:
        position = f"row {error.index + 1} (byte {error.offset})"
        problems.meet(RowError(file=name, position=position, field=None, problem=error.problem, remedy=_TRUNCATED))


def _sound(run: Elements, values: list[Any]) -> bool:
    """Return whether a run's values are objects that hold all of what the run does."""
    try:
        return all(type(value) is dict for value in values) and not _repeats(run.data, values)
    except orjson.JSONEncodeError:
        return False


def _one_by_one(run: Elements, name: str, problems: Problems) -> Iterator[Row]:
    for number in range(len(run)):
        place = ("row", run.index + number + 1, run)
        yield from _row_of(run.element(number), name, place, problems)


def _row_of(data: bytes, name: str, place: Place, problems: Problems) -> Iterator[Row]:
    blank = Row({}, name, place)
    try:
        value, missing = loads(data)
        repeats = _repeats(data, value)
    except orjson.JSONDecodeError as error:
        problems.meet(blank.error(None, f"not valid JSON: {error}" if data.strip() else "nothing between two commas"))
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
        yield Row(exact_numbers(data, value), name, place)


def _line_rows(stream: BinaryReader, name: str, problems: Problems) -> Iterator[Row]:
    numbered = lines(stream, name, problems)
    while batch := list(itertools.islice(numbered, _LINES_PER_BATCH)):
        for number, line in batch:
            if number == 1 and line.strip() == b"{":
                problem = "one JSON object over many lines, where an array of rows is expected"
                raise RowError(file=name, position="line 1", field=None, problem=problem, remedy=_TRUNCATED)
            if line.strip():
                yield from _row_of(line, name, ("line", number, -1), problems)


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

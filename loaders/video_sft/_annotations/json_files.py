"""JSON files: a stream of rows, whether an array or lines, or one small object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from video_sft._annotations.json_arrays import TRUNCATED, array_rows
from video_sft._annotations.json_lines import line_rows
from video_sft._annotations.json_values import BadValueError, strict_object
from video_sft._annotations.problems import Problems
from video_sft._annotations.source_row import SourceRow
from video_sft._files import Readable
from video_sft._places import open_binary
from video_sft.errors import RowError

__all__ = ["json_object", "json_rows"]

_OBJECT_BYTES = 256 << 20
_BOM = b"\xef\xbb\xbf"


def json_rows(location: str, name: str, problems: Problems) -> Iterator[SourceRow]:
    """Yield the objects of a JSON array, or of a file with one JSON object a line.

    Raises:
        RowError: under the policy `error`, for the first row that is not a JSON object, repeats a key, or is cut short.
    """
    with open_binary(location) as handle:
        stream = _Peeked(handle)
        yield from (line_rows if stream.first_byte(name) == b"{" else array_rows)(stream, name, problems)


def json_object(location: str, name: str) -> dict[str, Any]:
    """Return the one JSON object a (small) file holds.

    Raises:
        RowError: the file holds anything else, repeats a key, or is over 256 MiB.
    """
    with open_binary(location) as handle:
        data = handle.read(_OBJECT_BYTES + 1)
    if len(data) > _OBJECT_BYTES:
        problem = f"the file is over {_OBJECT_BYTES >> 20} MiB, too long for a table of ids"
        raise RowError(file=name, position="byte 0", field=None, problem=problem, remedy=TRUNCATED)
    try:
        return strict_object(data.removeprefix(_BOM))[0]
    except BadValueError as error:
        problem, position = str(error).replace("an object", "one JSON object"), f"byte {error.position}"
        raise RowError(file=name, position=position, field=error.field, problem=problem, remedy=TRUNCATED) from None


class _Peeked:
    """A binary stream whose byte-order mark is dropped and whose first byte was looked at."""

    def __init__(self, handle: Readable) -> None:
        self._handle = handle
        self._start = handle.read(1 << 16).removeprefix(_BOM)

    def first_byte(self, name: str) -> bytes:
        byte = self._start.lstrip()[:1]
        if byte not in (b"{", b"["):
            found = f"expected a JSON array, the file begins with {self._start[:16]!r}"
            problem = found if self._start else "the file is empty"
            raise RowError(file=name, position="byte 0", field=None, problem=problem, remedy=TRUNCATED)
        return byte

    def read(self, size: int = -1) -> bytes:
        if self._start:
            taken, self._start = self._start[:size], self._start[size:]
            return taken
        return self._handle.read(size)

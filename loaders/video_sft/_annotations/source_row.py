"""One row of an annotation file, which knows where it stands when something in it is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from video_sft._places import safe_name, safe_relative
from video_sft.errors import RowError, UnsafePathError

__all__ = ["RowPlace", "SourceRow", "whole_number"]

_MAX_DIGITS = 30
_WHOLE = re.compile(r"\s*(-?[0-9]+)(?:\.0*)?\s*")
#: Whole numbers up to here are the same as floats.
_EXACT = 2.0**53
_MAX_PROBLEM = 400
_REMEDY = "Mend the row, or load with on_bad_row='skip' to leave it out and count it"


RowPlace = tuple[str, int | str, int | Callable[[int], int]]


class SourceRow:
    """A parsed row and its place; the accessors return a field in the type asked for, or say what is wrong.

    Attributes:
        value: the row's fields as parsed; every cell of a CSV is text.
        file: the file's name as the user knows it.
        place: (`row` or `line`, number from 1, byte offset or what finds it by the number or -1), or (`entry`, key, -1)
            of an object.
    """

    __slots__ = ("_prefix", "file", "place", "value")

    def __init__(self, value: Mapping[str, Any], file: str, place: RowPlace, prefix: str = "") -> None:
        """Take the row's fields, its file, its place there, and the prefix its fields have in messages."""
        self.value = value
        self.file = file
        self.place = place
        self._prefix = prefix

    @property
    def position(self) -> str:
        """Where the row is in its file, in words: `row 12 (byte 3411)`, `line 13`, `entry 4882821564`."""
        unit, number, offset = self.place
        if not isinstance(offset, int):
            offset = offset(self.number)
        return f"{unit} {number}" + (f" (byte {offset})" if offset >= 0 else "")

    @property
    def number(self) -> int:
        """The row's number in its file, from 1 (of a CSV: the line it starts on)."""
        return int(self.place[1])

    def fail(self, field: str | None, problem: str, remedy: str = _REMEDY) -> NoReturn:
        """Raise the error for this row."""
        raise self.error(field, problem, remedy)

    def error(self, field: str | None, problem: str, remedy: str = _REMEDY) -> RowError:
        """Return the error for this row."""
        name = self._prefix + field if field is not None else self._prefix.rstrip(".") or None
        # a text of megabytes in a field, or a key of that length, must not become the message
        shown = problem if len(problem) <= _MAX_PROBLEM else f"{problem[: _MAX_PROBLEM - 3]}..."
        name = name[:_MAX_PROBLEM] if name else None
        return RowError(file=self.file, position=self.position, field=name, problem=shown, remedy=remedy)

    def get(self, field: str) -> Any:
        """Return a field whatever its type.

        Raises:
            RowError: the row has no such field.
        """
        try:
            return self.value[field]
        except KeyError:
            self.fail(field, "the field is missing")

    def text(self, field: str) -> str:
        """Return a field that must be text and not blank."""
        value = self.value.get(field)
        if type(value) is not str:
            self.fail(field, f"expected text, found {_shown(self.get(field))}")
        if not value or value.isspace():
            self.fail(field, "the text is empty")
        return value

    def text_or_empty(self, field: str) -> str:
        """Return a field that is text, null or missing; the latter two as an empty string."""
        value = self.value.get(field, "")
        if type(value) is str:
            return value
        if value is not None:
            self.fail(field, f"expected text, found {_shown(value)}")
        return ""

    def text_or_blank(self, field: str) -> str:
        """Return a field that has to be there, as text or null; blanks and null as an empty string."""
        self.get(field)
        text = self.text_or_empty(field)
        return "" if text.isspace() else text

    def integer(self, field: str, *, lowest: int | None = None, highest: int | None = None) -> int:
        """Return a whole number within bounds; the text of one and a `2.0` are accepted."""
        value = self.get(field)
        number = whole_number(value)
        if number is None:
            self.fail(field, f"expected a whole number, found {_shown(value)}")
        if (lowest is not None and number < lowest) or (highest is not None and number > highest):
            self.fail(field, f"{number} is outside {lowest} to {'any' if highest is None else highest}")
        return number

    def seconds(self, field: str, *, before_start: bool = False) -> float:
        """Return a time in seconds: a finite number, negative only if `before_start`; the text of one is accepted."""
        value = self.get(field)
        try:
            number = float(value) if type(value) in (int, float, str) else None
        except (ValueError, OverflowError):
            number = None
        if number is None:
            self.fail(field, f"expected seconds, found {_shown(value)}")
        if not math.isfinite(number) or (number < 0 and not before_start):
            self.fail(field, f"{value!r} is not a time in seconds")
        return number

    def name(self, field: str) -> str:
        """Return an id that is to become a file's name; anything that could mean another place is refused."""
        return self._safe(field, safe_name)

    def path(self, field: str) -> str:
        """Return a relative path that stays inside its folder."""
        return self._safe(field, safe_relative)

    def children(self, field: str) -> Iterator[SourceRow]:
        """Yield the objects of a list field as rows of their own, which name their place in the list."""
        value = self.get(field)
        if not isinstance(value, list):
            self.fail(field, f"expected a list, found {_shown(value)}")
        for index, child in enumerate(value):
            prefix = f"{self._prefix}{field}[{index}]."
            if not isinstance(child, dict):
                self.fail(f"{field}[{index}]", f"expected an object, found {_shown(child)}")
            yield SourceRow(child, self.file, self.place, prefix)

    def _safe(self, field: str, check: Any) -> str:
        text = self.text(field).strip()
        try:
            safe: str = check(text)
        except UnsafePathError as error:
            self.fail(field, str(error))
        return safe


def whole_number(value: Any) -> int | None:
    """Return the whole number that a value is or spells, such as `2`, `2.0` or `" 2 "`; None for any other value."""
    if isinstance(value, str):
        match = _WHOLE.fullmatch(value) if len(value) <= _MAX_DIGITS else None
        return int(match[1]) if match else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(value: Any) -> str:
    """Return a value the way an error message shows it: its JSON type and a short piece of it."""
    kinds = {dict: "an object", list: "a list", bool: "a truth value", int: "a number", float: "a number", str: "text"}
    if value is None:
        return "null"
    text = repr(value)
    return f"{kinds.get(type(value), type(value).__name__)} {text if len(text) <= 60 else text[:57] + '...'}"

"""Numbers that the fast JSON parser does not read as they are meant: of more than 64 bits, and `NaN`."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
import orjson

__all__ = ["exact_numbers", "loads"]

#: A number that 64 bits cannot hold has as many digits or more.
_LONG = b"0" * 19
#: Of so many digits in a row, two that are this far apart are looked at.
_STEP = 9
_DIGITS = bytes(ord("0") if chr(byte).isdigit() else ord(" ") for byte in range(128)) + b" " * 128


def exact_numbers(data: bytes, value: Any) -> Any:
    """Return what some JSON says with every whole number in it as it is written.

    Args:
        data: a JSON object, or the inside of an array of them.
        value: the object or the list as `orjson` reads it: a whole number of more than 64 bits is a float, which loses
            digits.
    """
    if not _has_long_number(data):
        return value
    return json.loads(b"[%b]" % data if isinstance(value, list) else data, parse_constant=lambda _: None)


def _has_long_number(data: bytes) -> bool:
    digits = np.frombuffer(data, dtype=np.uint8)[::_STEP] - ord("0") < 10
    return bool((digits[:-1] & digits[1:]).any()) and _LONG in data.translate(_DIGITS)


def loads(data: bytes) -> tuple[Any, int]:
    """Return what some JSON says, and how many values in it are `NaN`, as pandas and Python write a missing value.

    They are read as null. Nothing else that is not JSON is accepted.

    Raises:
        orjson.JSONDecodeError: it is not JSON.
    """
    try:
        return orjson.loads(data), 0
    except orjson.JSONDecodeError:
        if b"NaN" not in data:
            raise
        missing: list[str] = []

        def constant(name: str) -> None:
            if name != "NaN":
                _refuse(name)
            missing.append(name)

        try:
            value = json.loads(data, parse_constant=constant, parse_int=_as_orjson_does)
            orjson.dumps(value)
        except (ValueError, TypeError, RecursionError):
            value = None
        if value is None:
            raise
        return value, len(missing)


def _as_orjson_does(digits: str) -> int | float:
    return int(digits) if len(digits) < len(_LONG) else float(digits)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")

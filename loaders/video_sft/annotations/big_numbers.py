"""Whole numbers of more than 64 bits, which the fast JSON parser turns into floats."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

__all__ = ["exact_numbers"]

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
    return json.loads(b"[%b]" % data) if isinstance(value, list) else json.loads(data)


def _has_long_number(data: bytes) -> bool:
    digits = np.frombuffer(data, dtype=np.uint8)[::_STEP] - ord("0") < 10
    return bool((digits[:-1] & digits[1:]).any()) and _LONG in data.translate(_DIGITS)

"""A table of frame rates by video: JSON, or the pickle STAR publishes it as, read without running what is in it."""

from __future__ import annotations

import pickletools
import struct
from typing import Any

import orjson

from video_sft._sources.open_part import OpenPart
from video_sft.errors import RowError

__all__ = ["frame_rates"]

_MAX_BYTES = 16 << 20
#: Frames per second; more than any camera takes of a whole video, and far from what a float cannot hold.
_HIGHEST = 1e6
#: What a pickled `dict[str, float]` is made of, whatever the protocol and the Python version that wrote it.
_KEY_OPCODES = frozenset(
    ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "SHORT_BINSTRING", "BINSTRING")
)
_VALUE_OPCODES = frozenset(("FLOAT", "BINFLOAT", "INT", "BININT", "BININT1", "BININT2"))
_DICT_OPCODES = frozenset(("DICT", "EMPTY_DICT"))
_PLAIN_OPCODES = frozenset(
    ("PROTO", "FRAME", "MARK", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "SETITEM", "SETITEMS", "STOP")
)


def frame_rates(part: OpenPart, role: str) -> dict[str, float]:
    """Return frames per second by video id, without the `.mp4` upstream's keys end in.

    A pickle can hold calls of any function, so it is never unpickled: its opcodes are listed, and anything but the
    text and numbers of one dictionary is refused.

    Where an optional file is absent the table is empty. A rate of 0 or below is left out and counted: the times of that
    video's keyframes are null.

    Raises:
        RowError: the file is neither, or a rate is no number of frames per second.
    """
    if role not in part.locations:
        return {}
    name = part.file_name(role)
    data = part.data(role, _MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise _refused(name, f"the file is over {_MAX_BYTES >> 20} MiB")
    try:
        table = orjson.loads(data) if data.lstrip()[:1] == b"{" else _unpickled(data)
    except (ValueError, IndexError, OverflowError, struct.error) as error:
        raise _refused(name, f"it is neither JSON nor the pickle of a plain table: {str(error)[:200]}") from None
    rates = {}
    for video, rate in table.items():
        if isinstance(rate, bool) or not isinstance(rate, (int, float)):
            raise _refused(name, f"the rate of {str(video)[:60]!r} is not a number", field=str(video)[:60])
        if rate > _HIGHEST or rate != rate:
            raise _refused(name, f"the rate of {str(video)[:60]!r} is none a video can have", field=str(video)[:60])
        if rate > 0:
            rates[video.removesuffix(".mp4")] = float(rate)
        else:
            part.problems.mend(f"Rates in {name} that are not above 0, left out")
    return rates


def _unpickled(data: bytes) -> dict[str, Any]:
    keys: list[str] = []
    values: list[Any] = []
    dictionaries = 0
    for opcode, argument, position in pickletools.genops(data):
        name = opcode.name
        if name in _KEY_OPCODES and isinstance(argument, str) and len(keys) == len(values):
            keys.append(argument)
        elif name in _VALUE_OPCODES and len(keys) == len(values) + 1:
            values.append(argument)
        elif name in _DICT_OPCODES:
            dictionaries += 1
        elif name not in _PLAIN_OPCODES:
            raise ValueError(f"{name} at byte {position} is not part of a table of numbers")
    if dictionaries != 1 or len(keys) != len(values):
        raise ValueError("it does not hold one dictionary")
    return dict(zip(keys, values, strict=True))


def _refused(name: str, problem: str, field: str | None = None) -> RowError:
    remedy = "Leave the file out, or give a JSON object of video name to frames per second"
    return RowError(file=name, position="byte 0", field=field, problem=problem, remedy=remedy)

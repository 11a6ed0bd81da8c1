"""A watch over files that are opened, to show that a step opens none."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

import av

__all__ = ["opened_files"]

_opened: list[list[str]] = []


@functools.cache
def _watch_files() -> None:
    """Note every file Python opens, by `open` or `os.open`, in the list on top of `_opened`; a hook stays for good."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and _opened:
            _opened[-1].append(str(arguments[0]))

    sys.addaudithook(note)


@contextlib.contextmanager
def opened_files() -> Iterator[list[str]]:
    """A context whose list holds the name of every file opened inside it, libav's own included."""
    _watch_files()
    plain = av.open
    names: list[str] = []

    def noting(file: Any, *args: Any, **kwargs: Any) -> Any:
        names.append(str(file))
        return plain(file, *args, **kwargs)

    _opened.append(names)
    av.open = noting
    try:
        yield names
    finally:
        av.open = plain
        _opened.pop()

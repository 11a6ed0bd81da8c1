"""A folder on a disk that is mounted read-only, for whoever may write everywhere otherwise."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def read_only(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the system refuse every change in a folder, as it does on a file system that is mounted read-only."""
    root = os.path.realpath(folder)

    def refuse(path: Any) -> None:
        if isinstance(path, (str, bytes, os.PathLike)):
            place = os.path.realpath(os.fsdecode(path))
            if place == root or place.startswith(root + os.sep):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fsdecode(path))

    def guarded(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            for path in args[:2]:
                refuse(path)
            return real(*args, **kwargs)

        return call

    real_open, real_os_open = builtins.open, os.open

    def open_file(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(file)
        return real_open(file, mode, *args, **kwargs)

    def os_open(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & _WRITING:
            refuse(path)
        return real_os_open(path, flags, *args, **kwargs)

    for name in ("mkdir", "unlink", "remove", "rmdir", "rename", "replace", "link", "symlink", "truncate", "utime"):
        monkeypatch.setattr(os, name, guarded(name))
    monkeypatch.setattr(builtins, "open", open_file)
    monkeypatch.setattr("io.open", open_file)
    monkeypatch.setattr(os, "open", os_open)

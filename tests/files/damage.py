"""What a disk does to a file."""

from __future__ import annotations

from pathlib import Path


def overwrite(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(bytes(size))

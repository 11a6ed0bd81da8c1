"""The file on disk that keeps what was learnt of files, one line for each."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import datasets
import orjson

from video_sft.errors import one_line

__all__ = ["KeptFacts"]

logger = logging.getLogger("video_sft")
#: Part of the file's name; raised when what is learnt of a file changes.
_VERSION = 1
_FOLDER = "video_sft_facts"


class KeptFacts:
    """Facts by file identity. Each is on disk as soon as it is known: a stopped run goes on from there.

    Any number of processes may write at the same time: a line goes to the end of the file in one piece. A line that a
    crash cut short is passed over. A folder that cannot be written to gives one warning, and is done without.

    Args:
        cache_dir: the folder to keep it in; the `datasets` cache by default.
    """

    def __init__(self, cache_dir: str | os.PathLike[str] | None = None) -> None:
        self._path = Path(cache_dir or datasets.config.HF_DATASETS_CACHE) / _FOLDER / f"facts-{_VERSION}.jsonl"
        self._lock = threading.Lock()
        self._known: dict[str, Any] = {}
        self._file: int | None = None
        self._writable = True
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:  # nothing is kept yet
            lines = []
        for line in lines:
            try:
                key, facts = orjson.loads(line)
                self._known[key] = facts
            except (ValueError, TypeError):
                continue

    def get(self, key: str) -> Any:
        """Return what is known of a file, None where that is nothing."""
        return self._known.get(key)

    def add(self, key: str, facts: Any) -> None:
        """Keep what was learnt of a file."""
        with self._lock:
            self._known[key] = facts
            if not self._writable:
                return
            try:
                if self._file is None:
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
                os.write(self._file, b"\n" + orjson.dumps([key, facts]) + b"\n")
            except OSError as error:
                self._writable = False
                logger.warning("%s: facts about files cannot be kept there: %s", self._path, one_line(error))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

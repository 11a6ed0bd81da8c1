"""Failures the local Hub can be told to have."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class Fault:
    """What goes wrong with the next requests that match.

    Attributes:
        method: HTTP method, or `*`.
        pattern: shell pattern for the path, or for the path of the file inside its repo.
        status: answer with this status and do nothing.
        retry_after: seconds, sent as `Retry-After` with `status`.
        spent_for: seconds until requests are allowed again, sent as `ratelimit` with `status`.
        cut_after: close the connection after so many bytes of the answer, or of the request where the client sends
            a file.
        lose_answer: do what was asked, then close the connection without a word.
        times: how often.
        skip: let so many matching requests through first.
    """

    method: str
    pattern: str
    status: int | None = None
    retry_after: int | None = None
    cut_after: int | None = None
    lose_answer: bool = False
    times: int = 1
    skip: int = 0
    spent_for: int | None = None

    def matches(self, method: str, path: str, file: str | None) -> bool:
        """Whether this is a request the fault is about."""
        return self.method in ("*", method) and (
            fnmatchcase(path, self.pattern) or (file is not None and fnmatchcase(file, self.pattern))
        )


class Faults:
    """The failures still to come."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Plan one more."""
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        """Plan none."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str, file: str | None) -> Fault | None:
        """The failure for this request, if one is planned; it is used up."""
        with self._lock:
            for fault in self._waiting:
                if not fault.matches(method, path, file):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

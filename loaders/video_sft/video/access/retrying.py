"""How long to keep asking a server that fails, and how long to wait in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from video_sft.errors import VideoError

__all__ = ["Patience", "TransientError", "patiently"]

T = TypeVar("T")

_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.1
#: However long a server says to wait, no longer than this.
_LONGEST_WAIT_SECONDS = 30.0


class TransientError(Exception):
    """A request failed in a way that may pass: a dropped connection, a server error, a body cut short.

    Attributes:
        retry_after: seconds the server says to wait.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Patience:
    """Counts failures in a row and says how long to wait after each.

    Args:
        name: of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._failures = 0

    def after(self, error: TransientError, *, progress: bool = False) -> float:
        """Return the seconds to wait before trying again.

        Args:
            error: what went wrong this time.
            progress: whether bytes came before it did; the count then begins anew.

        Raises:
            VideoError: it has failed often enough.
        """
        self._failures = 0 if progress else self._failures + 1
        if self._failures >= _ATTEMPTS:
            raise VideoError(self._name, f"cannot be fetched, tried {_ATTEMPTS} times: {error}") from error
        backoff: float = _FIRST_WAIT_SECONDS * 2 ** max(0, self._failures - 1) * (1 + random.random())
        return max(backoff, min(error.retry_after, _LONGEST_WAIT_SECONDS))


def patiently(call: Callable[[], T], name: str) -> T:
    """Try a request again after passing failures, waiting longer each time."""
    patience = Patience(name)
    while True:
        try:
            return call()
        except TransientError as error:
            time.sleep(patience.after(error))

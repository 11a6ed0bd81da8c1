"""The policy for requests that fail in a way that may pass: what such failures are, how often and when to try again.

Reading remote videos and publishing share it.
"""

from __future__ import annotations

import contextlib
import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

__all__ = ["PASSING_STATUSES", "Retries", "TransientError", "is_dropped_connection", "seconds_to_wait"]

#: HTTP statuses that may be another when the same is asked for again.
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})

_FIRST_PAUSE_SECONDS = 0.1
_DROPPED = frozenset({"TransportError", "ConnectionError", "TimeoutException", "Timeout", "TimeoutError"})
_NOT_DROPPED = frozenset({"UnsupportedProtocol", "InvalidURL", "OfflineModeIsEnabled"})


class TransientError(Exception):
    """A request failed in a way that may pass: a dropped connection, a server error, a body cut short.

    Attributes:
        retry_after: seconds the server says to wait.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Retries:
    """A count of failures in a row, and of how long to pause after each: twice as long each time, with jitter.

    Args:
        attempts: how often to try in all.
        first_pause: seconds, about; None is a tenth.
        longest_pause: seconds that pauses do not double beyond.
    """

    def __init__(self, attempts: int, *, first_pause: float | None = None, longest_pause: float = 60.0) -> None:
        self.attempts = attempts
        self._first_pause = _FIRST_PAUSE_SECONDS if first_pause is None else first_pause
        self._longest_pause = longest_pause
        self._failures = 0

    def pause_after(self, retry_after: float = 0.0, *, progress: bool = False) -> float | None:
        """Return the seconds to pause after a failure; None where it has failed often enough.

        Args:
            retry_after: seconds the server says to wait, which is kept to.
            progress: whether a part was done before it failed; the count then begins anew.
        """
        self._failures = 0 if progress else self._failures + 1
        if self._failures >= self.attempts:
            return None
        doubled: float = self._first_pause * 2 ** max(0, self._failures - 1)
        return max(min(doubled, self._longest_pause) * random.uniform(1.0, 2.0), retry_after)


def seconds_to_wait(retry_after: str | None) -> float:
    """Read a ``Retry-After`` header, which holds seconds or a date; 0 where there is none or it makes no sense."""
    if retry_after is None:
        return 0.0
    with contextlib.suppress(ValueError):
        return max(0.0, float(retry_after))
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def is_dropped_connection(error: BaseException) -> bool:
    """Tell a dropped connection from a wrong address; the exceptions of the HTTP client differ by its version."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & _DROPPED) and not names & _NOT_DROPPED

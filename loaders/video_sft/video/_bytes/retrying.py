"""How often to ask a server that fails, and how long to wait in between."""

from __future__ import annotations

import random

from video_sft.errors import VideoError
from video_sft.video._bytes.waiting import Waiting

__all__ = ["Patience", "TransientError"]

_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.1


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
        waiting: what the call may still wait.
    """

    def __init__(self, name: str, waiting: Waiting) -> None:
        self._name = name
        self._waiting = waiting
        self._failures = 0

    def after(self, error: TransientError, *, progress: bool = False) -> float:
        """Return the seconds to wait before trying again.

        Args:
            error: what went wrong this time.
            progress: whether bytes came before it did; the count then begins anew.

        Raises:
            VideoError: it has failed often enough, or the server asks for more time than there is.
        """
        self._waiting.trouble = str(error)
        self._failures = 0 if progress else self._failures + 1
        if self._failures >= _ATTEMPTS:
            raise VideoError(self._name, f"cannot be fetched, tried {_ATTEMPTS} times: {error}") from error
        if 0 < error.retry_after > self._waiting.left:
            raise VideoError(
                self._name,
                f"cannot be fetched: {error} and asks to be left alone for {error.retry_after:,.0f} s, which is more "
                f"than the {max(0.0, self._waiting.left):,.0f} s that may be waited; try again later, or allow more "
                "with video_sft.limit_waiting(total=...)",
            ) from error
        backoff: float = _FIRST_WAIT_SECONDS * 2 ** max(0, self._failures - 1) * (1 + random.random())
        return max(backoff, error.retry_after)

"""Trying again when the Hub is busy or the network breaks, and not when it says no."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from huggingface_hub.errors import HfHubHTTPError

__all__ = ["patiently"]

logger = logging.getLogger("video_sft")
T = TypeVar("T")

_ATTEMPTS = 6
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
#: The base of what the HTTP library under `huggingface_hub` raises; which library that is differs between versions.
_HttpError: type[BaseException] = HfHubHTTPError.__mro__[1]


def patiently(action: Callable[[], T], *, what: str, done: Callable[[], T | None] = lambda: None) -> T:
    """Do something on the Hub, and do it again after a failure that passes.

    Waits double from one second to a minute with some jitter; a `Retry-After` of the server is kept to.

    Args:
        action: does it.
        what: what messages call it.
        done: asked after a failure: the result, if it was done all the same and only the answer was lost.

    Raises:
        Exception: what `action` raised last, where it is no passing failure or there were too many.
    """
    wait = _FIRST_WAIT
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return action()
        except Exception as error:
            if attempt == _ATTEMPTS or not _passes(error):
                raise
            pause = _asked_pause(error) or wait * random.uniform(0.75, 1.25)
            logger.warning("%s failed (%s); trying again in %.0f s", what, _first_line(error), pause)
        time.sleep(pause)
        wait = min(wait * 2, _LONGEST_WAIT)
        found = done()
        if found is not None:
            return found
    raise AssertionError("unreachable")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it: uploads wrap the HTTP error in a `RuntimeError`."""
    while error is not None:
        yield error
        error = error.__cause__


def _passes(error: BaseException) -> bool:
    for one in _chain(error):
        if isinstance(one, HfHubHTTPError):
            return one.response.status_code in _TRANSIENT
        if isinstance(one, (_HttpError, ConnectionError, TimeoutError)):
            return True
    return False


def _asked_pause(error: BaseException) -> float | None:
    for one in _chain(error):
        if isinstance(one, HfHubHTTPError):
            asked = one.response.headers.get("Retry-After", "")
            return float(asked) + 0.5 if asked.isdigit() else None
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

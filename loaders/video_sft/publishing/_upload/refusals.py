"""Failures of the Hub: those that may pass are waited out, the others told with what helps."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from huggingface_hub.errors import HfHubHTTPError

from video_sft._retrying import PASSING_STATUSES, Retries, is_dropped_connection, seconds_to_wait
from video_sft.errors import VideoSftError, one_line

__all__ = ["PublishError", "explained", "repeated"]

logger = logging.getLogger("video_sft")
T = TypeVar("T")
_ATTEMPTS = 6
#: Of a `RateLimit` header: none remains, and the seconds until there are some again. The client reads it from 1.2 on.
_SPENT = re.compile(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


class PublishError(VideoSftError):
    """The Hub did not take what was published; the message says what it answered and what may help."""


def repeated(action: Callable[[], T], *, what: str, done: Callable[[], T | None] = lambda: None) -> T:
    """Do something on the Hub, and do it again after a failure that may pass, unless there were too many.

    `done` is asked after a failure: the result, if it was done all the same and only the answer was lost. The client
    itself repeats some requests only, and not the same ones in all its versions.
    """
    retries = Retries(_ATTEMPTS, first_pause=1.0)
    while True:
        try:
            return action()
        except Exception as error:
            pause = retries.pause_after(asked) if (asked := _asked_pause(error)) is not None else None
            if pause is None:
                raise
            logger.warning("%s failed (%s); trying again in %.0f s", what, one_line(error), pause)
        time.sleep(pause)
        found = done()
        if found is not None:
            return found


def _asked_pause(error: BaseException | None) -> float | None:
    """Return the seconds that the Hub says to wait; None where the failure is not one that may pass."""
    while error is not None:
        if isinstance(error, HfHubHTTPError):
            if error.response.status_code not in PASSING_STATUSES:
                return None
            headers = error.response.headers
            spent = _SPENT.search(headers.get("RateLimit") or "")
            if spent is not None:
                return float(spent[1])
            return seconds_to_wait(headers.get("Retry-After")) or _told_pause(error.server_message or "")
        if isinstance(error, (ConnectionError, TimeoutError)) or is_dropped_connection(error):
            return 0.0
        error = error.__cause__  # uploads wrap the HTTP error in a `RuntimeError`
    return None


def _told_pause(answer: str) -> float:
    """Return the seconds that a sentence says to wait, as that on too many commits in an hour does; 0 for none."""
    told = re.search(r"\bin (?:about )?(\d+|an?) (second|minute|hour)s?\b", answer)
    return 0.0 if told is None else float(_SECONDS[told[2]] * (int(told[1]) if told[1].isdigit() else 1))


_REMEDIES = {
    401: "Log in with `hf auth login`, or pass a token",
    403: "The token may not write here: take one with write access to this organisation",
    412: "Somebody else committed at the same time: run the same command again",
    429: "The Hub asks for fewer requests: run the same command again later, it goes on where it stopped",
}


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the Hub's refusals into an error that says what was tried and what helps."""
    try:
        yield
    except Exception as error:
        refusal: BaseException | None = error
        while refusal is not None and not isinstance(refusal, HfHubHTTPError):
            refusal = refusal.__cause__
        if refusal is None:
            raise
        status = refusal.response.status_code
        answer = refusal.server_message or str(refusal).strip().partition("\n")[0]
        remedy = _REMEDIES.get(status, "Run the same command again: it goes on where it stopped")
        raise PublishError(f"{what}: {status}, {answer}. {remedy}") from error

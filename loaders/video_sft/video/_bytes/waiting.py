"""The limits that a user sets to waiting for remote bytes, and the account that each call keeps of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from video_sft._retrying import Retries, TransientError
from video_sft.errors import ConfigError, VideoError

__all__ = ["Waiting", "limit_waiting"]

_READ_TIMEOUT, _TOTAL, _RATE = "VIDEO_SFT_READ_TIMEOUT", "VIDEO_SFT_WAITING_TOTAL", "VIDEO_SFT_WAITING_RATE"
_DEFAULTS = {_READ_TIMEOUT: 10.0, _TOTAL: 30.0, _RATE: 20_000.0}
_ARGUMENTS = {_READ_TIMEOUT: "read_timeout", _TOTAL: "total", _RATE: "bytes_per_second"}

#: Threads look at the clock at least this often; longer waits are more than some systems can be asked for.
_LONGEST_SECONDS = 3600.0


def limit_waiting(*, read_timeout: float = 10.0, total: float = 30.0, bytes_per_second: float = 20_000.0) -> None:
    """Say how long calls may wait for remote videos, for this process and all it starts from now on.

    The limits hold for each call that reads one clip (its frames, its sound, its metadata; in `read_frames`, each
    clip by itself), and only while nothing can be done but wait: decoding does not count. A call that waited for too
    long raises `VideoError`, which says what for. What is not given gets its default back.

    A slow but steady download is never cut off: waiting uses up the `total`, and every `bytes_per_second` bytes that
    come give a second of it back, never beyond `total`. So a call for n bytes takes at most
    ``total + n / bytes_per_second`` seconds of waiting, and a server that sends less than that rate, be it a byte a
    second, is given up after little more than `total`. Where a file system hands over a range all at once (those of
    fsspec), the range's seconds are given beforehand. A server that asks to wait (``Retry-After``) for longer than
    what is left is not waited for.

    The environment variables ``VIDEO_SFT_READ_TIMEOUT``, ``VIDEO_SFT_WAITING_TOTAL`` and ``VIDEO_SFT_WAITING_RATE`` do
    the same.

    Args:
        read_timeout: seconds without a single byte after which a request is given up and made anew, while there is time
            left.
        total: seconds of waiting in all.
        bytes_per_second: see above.

    Raises:
        ConfigError: one of them is not above zero; ``float("inf")`` is, and sets no limit.
    """
    given = {_READ_TIMEOUT: read_timeout, _TOTAL: total, _RATE: bytes_per_second}
    for name, value in given.items():
        if not value > 0:
            raise ConfigError(f"{_ARGUMENTS[name]} must be above zero, not {value!r}")
    os.environ.update({name: repr(float(value)) for name, value in given.items()})


def _configured(name: str) -> float:
    text = os.environ.get(name)
    if not text:
        return _DEFAULTS[name]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ConfigError(f"{name} must be a number above zero, not {text!r}")
    return value


class Waiting:
    """What one call may still wait for its remote file; its threads share it, and count once when they wait together.

    Attributes:
        read_timeout: seconds without a byte, or None for no limit.
        over: whether too much time went by; it stays so.
        trouble: what went wrong last, in words; empty where nothing did.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._total, self._rate = _configured(_TOTAL), _configured(_RATE)
        timeout = _configured(_READ_TIMEOUT)
        self.read_timeout = timeout if timeout < _LONGEST_SECONDS else None
        self.over = False
        self.trouble = ""
        self._left = self._total
        self._came = 0
        self._waiters = 0
        self._since = 0.0
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds that may still be waited."""
        with self._lock:
            self._settle()
            return self._left

    def received(self, count: int) -> None:
        """Say that bytes came."""
        with self._lock:
            self._settle()
            self._came += count
            self._left = max(self._left, min(self._total, self._left + count / self._rate))

    def expect(self, count: int) -> None:
        """Say that bytes will come all at once, of whose progress nothing is seen."""
        with self._lock:
            self._settle()
            self._left = max(self._left, min(self._total, self._left) + count / self._rate)

    def until(self, condition: threading.Condition, ready: Callable[[], bool], what: str) -> None:
        """Wait, the condition held, until something is so.

        Raises:
            VideoError: that took too long.
        """
        if ready():
            return
        with self._lock:
            self._settle()
            self._waiters += 1
        try:
            while not ready():
                left = self.left
                if left <= 0 or self.over:
                    self.over = True
                    raise self.error(what)
                condition.wait(min(left, _LONGEST_SECONDS))
        finally:
            with self._lock:
                self._settle()
                self._waiters -= 1

    def pause_after(self, error: TransientError, retries: Retries, *, progress: bool) -> float:
        """Return the seconds to pause before a request is made again; `progress` says that bytes came before the error.

        Raises:
            VideoError: it has failed often enough, or the server asks for more time than there is.
        """
        self.trouble = str(error)
        pause = retries.pause_after(error.retry_after, progress=progress)
        if pause is None:
            raise VideoError(self._name, f"cannot be fetched, tried {retries.attempts} times: {error}") from error
        if 0 < error.retry_after > self.left:
            raise VideoError(
                self._name,
                f"cannot be fetched: {error} and asks to be left alone for {error.retry_after:,.0f} s, which is more "
                f"than the {max(0.0, self.left):,.0f} s that may be waited; try again later, or allow more with "
                "video_sft.limit_waiting(total=...)",
            ) from error
        return pause

    def error(self, what: str) -> VideoError:
        """Say that the limit is reached."""
        trouble = f"; the last attempt: {self.trouble}" if self.trouble else ""
        return VideoError(
            self._name,
            f"{self._total:g} s went by in waiting for {what} ({self._came:,} bytes came in all{trouble}); "
            "video_sft.limit_waiting(total=...) allows more time",
        )

    def _settle(self) -> None:
        """Take off what went by since the last time; the lock is held."""
        now = time.monotonic()
        if self._waiters:
            self._left -= now - self._since
        self._since = now

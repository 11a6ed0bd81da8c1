"""How many requests the local Hub lets a client make, told the way the real one tells it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .store import RefusedError


@dataclass(frozen=True)
class Quota:
    """So many requests in each window of so many seconds."""

    requests: int
    seconds: int


#: Those of the real Hub for a user who pays nothing.
REAL_QUOTAS: Mapping[str, Quota] = {
    "api": Quota(1_000, 300),
    "resolvers": Quota(5_000, 300),
    "commits": Quota(128, 3_600),
}


class Limits:
    """Counts requests by what they are for, in fixed windows.

    Args:
        quotas: by name; what has none is not limited.
        clock: gives the seconds since some moment.
    """

    def __init__(self, quotas: Mapping[str, Quota], clock: Callable[[], float] = time.monotonic) -> None:
        self._quotas = quotas
        self.clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self.refused: list[str] = []

    def take(self, method: str, path: str) -> tuple[Mapping[str, str], RefusedError | None]:
        """Count a request; return the headers of its answer, and a refusal where there were too many."""
        headers: dict[str, str] = {}
        for name in _names(method, path):
            quota = self._quotas.get(name)
            if quota is None:
                continue
            with self._lock:
                left, reset = self._left(name, quota)
                if left < 0:
                    self.refused.append(name)
            if name == "commits":  # which has no headers of its own
                if left < 0:
                    return headers, RefusedError(
                        429,
                        f"You have exceeded the rate limit for repository commits ({quota.requests} per hour). You can "
                        f"retry this action in about {max(1, round(reset / 60))} minutes.",
                    )
                continue
            headers["RateLimit"] = f'"{name}";r={max(left, 0)};t={reset}'
            headers["RateLimit-Policy"] = f'"fixed window";"{name}";q={quota.requests};w={quota.seconds}'
            if left < 0:
                return headers, RefusedError(429, "We had to rate limit you")
        return headers, None

    def _left(self, name: str, quota: Quota) -> tuple[int, int]:
        """Take one away; return how many are left, below 0 where there was none, and the seconds to the next window."""
        now = self.clock()
        begun, taken = self._windows.get(name, (now, 0))
        if now >= begun + quota.seconds:
            begun, taken = now, 0
        self._windows[name] = (begun, taken + 1 if taken < quota.requests else taken)
        reset = max(0, round(begun + quota.seconds - now))
        return quota.requests - taken - 1, reset


def _names(method: str, path: str) -> list[str]:
    if "/resolve/" in path:
        return ["resolvers"]
    if not path.startswith("/api/"):
        return []
    commit = method == "POST" and re.search(r"/commit/[^/]+$", path)
    return ["api", "commits"] if commit else ["api"]

"""The work of one process on a few items: each within its time, and its errors its own."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from video_sft.errors import BuildError, one_line

__all__ = ["Done", "Lost", "work_on"]

#: How much longer than its time an item may take before its process is ended, where the decoder listens to nobody.
_GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class Done:
    """What came of an item.

    Attributes:
        result: what the work returned.
        cpu_seconds: how long it took a processor.
    """

    result: Any
    cpu_seconds: float


@dataclass(frozen=True)
class Lost:
    """An item nothing came of.

    Attributes:
        reason: in words.
        fatal: whether nothing would come of the others either, such as where the disk is full.
    """

    reason: str
    fatal: bool = False


def work_on(work: Callable[[Any], Any], items: Sequence[Any], seconds: float) -> list[Done | Lost]:
    """Do the work for each item, in order.

    Args:
        work: raises for an item that cannot be done, and a `BuildError` where none can be.
        items: what it takes.
        seconds: for one item. After that it is given up; a process that cannot be interrupted then is ended.
    """
    found: list[Done | Lost] = []
    for item in items:
        began = time.process_time()
        try:
            with _within(seconds):
                result = work(item)
        except _OutOfTimeError:
            found.append(Lost(f"not done within {seconds:g} seconds"))
        except BuildError as error:
            found.append(Lost(str(error), fatal=True))
        except Exception as error:  # noqa: BLE001 - whatever is raised is said of this item, and the others go on
            found.append(Lost(f"{type(error).__name__}: {one_line(error)}"))
        else:
            found.append(Done(result, time.process_time() - began))
    return found


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds + _GRACE_SECONDS, exit=True, file=nowhere)
        try:
            if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
                yield
                return
            before = signal.signal(signal.SIGALRM, _give_up)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
        finally:
            faulthandler.cancel_dump_traceback_later()


class _OutOfTimeError(BaseException):  # not an Exception: nothing on the way may take it for a broken file
    """The time of an item is over."""


def _give_up(number: int, frame: FrameType | None) -> None:
    raise _OutOfTimeError

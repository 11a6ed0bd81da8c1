"""The ordinary scheduling of processes, which one of the encoders changes."""

from __future__ import annotations

import os

__all__ = ["ordinary_priority"]


def ordinary_priority() -> None:
    """Leave real time: encoding AV1 as root puts the thread there, and all it starts, and others wait for ever."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))

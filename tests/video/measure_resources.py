"""A measure of what reading costs a process: ``python tests/video/measure_resources.py many CLIPS VIDEO...``.

``peak SMALL LARGE`` measures memory. Runs in a process of its own, so that the numbers are its own; prints JSON.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading

from video_sft.errors import VideoError
from video_sft.video import Clip

#: Every so many clips a frame is read too.
FRAMES_EVERY = 10


def state() -> dict[str, int]:
    """Open descriptors, threads and resident memory."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "system_threads": len(os.listdir("/proc/self/task")),
        "kilobytes": pages * (os.sysconf("SC_PAGE_SIZE") // 1024),
    }


def read(number: int, path: str) -> bool:
    """Look at one clip; tell whether it could be read."""
    clip = Clip(path)
    try:
        _ = clip.metadata
        if number % FRAMES_EVERY < 2:
            clip.frames(count=1, size=(16, 16), num_threads=1 + number % 2)
    except VideoError:
        return False
    return True


def many(clips: int, paths: list[str]) -> dict[str, object]:
    """Read clips in turn without any garbage collection, and measure after a tenth of them, and after all."""
    gc.disable()
    refused, before = 0, state()
    for number in range(clips):
        refused += not read(number, paths[number // FRAMES_EVERY % len(paths)])
        if number == clips // 10:
            before = state()
    return {"before": before, "after": state(), "clips": clips, "refused": refused}


def peak(small: str, large: str) -> dict[str, int]:
    """Read 16 frames of a large video, once a small one has been read; memory in bytes."""

    def most() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    Clip(small).frames(count=4, num_threads=2)
    before = most()
    frames = Clip(large).frames(count=16, num_threads=2)
    return {"result": frames.data.nbytes, "grown": most() - before}


if __name__ == "__main__":
    if sys.argv[1] == "many":
        print(json.dumps(many(int(sys.argv[2]), sys.argv[3:])))
    else:
        print(json.dumps(peak(*sys.argv[2:])))

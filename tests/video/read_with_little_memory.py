"""A reader of files that may be broken: ``python tests/video/read_with_little_memory.py VIDEO...`` prints JSON.

Runs in a process of its own with little memory to be had, so that a crash or a runaway is seen from outside.
"""

from __future__ import annotations

import json
import resource
import sys

from video_sft.errors import VideoError
from video_sft.video import Clip


def read(path: str) -> dict[str, object]:
    """Say which frames came, or with what error none came, and how far the process's peak memory rose."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, object] = {"frames": None, "file": None, "reason": None}
    try:
        found["frames"] = Clip(path).frames(count=4, num_threads=2).indices.tolist()
    except VideoError as error:
        found |= {"file": error.path, "reason": error.reason}
    return found | {"megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for path in sys.argv[1:]:
        print(json.dumps({"path": path} | read(path)), flush=True)

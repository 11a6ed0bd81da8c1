"""A publisher in a process of its own, to be killed or measured.

    python publish_made.py <folder of videos> <state folder> [<content of the local Hub>]

With the last, videos go by the client's pipeline for Xet. Prints how much memory, in MB, publishing took at its peak
beyond what was in use before it (Linux keeps that count).
"""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.local_hub.store import Blobs
from tests.local_hub.xet import xet_uploads
from tests.publishing.made_rows import made_run, make_rows


def main(folder: str, state: str, content: str = "") -> None:
    """Publish rows about every video of the folder."""
    rows = make_rows(sorted(Path(folder).glob("*.mp4")))
    run = made_run(rows, Path(state))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    with xet_uploads(Blobs(Path(content))) if content else contextlib.nullcontext():
        run.publish(private=False)
    print((memory("VmHWM") - before) / 1024)


def memory(name: str) -> int:
    """A count of this process's memory in kB: what is in use (`VmRSS`), or the most that was (`VmHWM`)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main(*sys.argv[1:])

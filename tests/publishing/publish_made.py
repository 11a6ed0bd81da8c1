"""A publisher in a process of its own, to be killed or measured.

    python publish_made.py <folder of videos> <state folder>

Prints how much memory, in MB, publishing took beyond what was in use before it.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from publishing.made_rows import made_run, make_rows


def main(folder: str, state: str) -> None:
    """Publish rows about every video of the folder."""
    rows = make_rows(sorted(Path(folder).glob("*.mp4")))
    run = made_run(rows, Path(state))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run.publish(private=False)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

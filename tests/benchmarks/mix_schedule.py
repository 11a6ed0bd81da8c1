"""Making a mixture of ten million rows, against `datasets.interleave_datasets` over the same parts.

    python tests/benchmarks/mix_schedule.py
    python tests/benchmarks/mix_schedule.py --rows 1000000

Every measurement runs in a process of its own, which reports the time of the call and the growth of its peak resident
memory. The peer draws the same parts with the same probabilities until all are exhausted, which gives about as many
rows; it is measured at a tenth of the rows and stated for each million.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

import datasets
from datasets import Dataset

from video_sft.mixing import mix

PARTS, SHARES = 8, [0.05, 0.05, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3]


def measure(tool: str, rows: int) -> dict[str, float]:
    """Return seconds, peak growth in MB and rows of one mixture."""
    datasets.disable_progress_bars()
    # Half as many different rows as are drawn, so that parts are passed over several times.
    sizes = [max(1, int(rows * share * (0.2 + 0.1 * place))) for place, share in enumerate(SHARES)]
    parts: dict[str, Any] = {
        f"part{place}": Dataset.from_dict({"number": range(size)}) for place, size in enumerate(sizes)
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    if tool == "mix":
        mixed = mix(parts, probabilities=SHARES, num_rows=rows)
    else:
        mixed = datasets.interleave_datasets(
            list(parts.values()), probabilities=SHARES, seed=0, stopping_strategy="all_exhausted"
        )
    took = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    began = time.perf_counter()
    mixed.skip(len(mixed) // 2)
    return {"seconds": took, "memory": grown, "rows": len(mixed), "skip": time.perf_counter() - began}


def main() -> None:
    """Print time and memory of both."""
    arguments = argparse.ArgumentParser(description="Making a mixture against interleave_datasets.")
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.measure, chosen.rows)))
        return
    runs: dict[str, list[dict[str, float]]] = {"mix": [], "interleave_datasets": []}
    for _ in range(chosen.rounds):
        for tool, rows in (("mix", chosen.rows), ("interleave_datasets", chosen.rows // 10)):
            command = [sys.executable, __file__, "--measure", tool, "--rows", str(rows)]
            runs[tool].append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    per_million = {}
    for tool, each in runs.items():
        seconds, memory = (statistics.median(run[name] for run in each) for name in ("seconds", "memory"))
        rows = each[0]["rows"]
        per_million[tool] = statistics.median(1e6 * run["seconds"] / run["rows"] for run in each)
        skip = statistics.median(1000 * run["skip"] for run in each)
        print(f"{tool:20} {rows:12,.0f} rows  {seconds:6.2f} s  +{memory:5.0f} MB  skip {skip:4.1f} ms")
    ratio = per_million["interleave_datasets"] / per_million["mix"]
    print(f"seconds for each row, interleave_datasets / mix: {ratio:.1f}")


if __name__ == "__main__":
    main()

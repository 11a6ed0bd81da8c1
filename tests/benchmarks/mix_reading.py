"""Batches of a mixture through a DataLoader, against one plain dataset and against `datasets.interleave_datasets`.

    python tests/benchmarks/mix_reading.py                 100,000 random rows of eight parts, two workers
    python tests/benchmarks/mix_reading.py --rows 20000

The plain peer is one dataset of the same rows, read in random order; the other is `interleave_datasets` with the same
probabilities over the eight parts as iterable datasets with a shard for each worker. The three take turns; ratios are
medians over the rounds, by the clock and by CPU time, which other work on the machine changes less. All tables are in
memory, rows carry no video.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import time
import warnings
from dataclasses import dataclass
from typing import Any

import datasets
import torch
from datasets import Dataset
from torch.utils.data import DataLoader

import video_sft
from video_sft.mixing import mix

PARTS, WORKERS, BATCH = 8, 2, 64


def part(name: str, rows: int) -> Dataset:
    """Return rows of the shared schema, as long as those of NExT-QA."""
    empty = dict.fromkeys(video_sft.features())
    return Dataset.from_list(
        [
            {
                **empty,
                "id": f"{name}/{number}",
                "source": name,
                "task": "reasoning",
                "answer_format": "open_ended",
                "question_type": "CW",
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "video", "text": None},
                            {"type": "text", "text": f"why did the man in red turn around at moment {number}"},
                        ],
                    },
                    {"role": "assistant", "content": [{"type": "text", "text": f"to look at thing {number}"}]},
                ],
                "video_id": f"vidor/{number // 9}",
                "video_path": f"vidor/{number // 9}.mp4",
                "choices": [],
                "answer": f"to look at thing {number}",
                "evidence": [],
                "license": "MIT",
            }
            for number in range(rows)
        ],
        features=video_sft.features(),
    )


@dataclass(frozen=True)
class Speed:
    """How fast a loader was: rows for each second that passed, and for each second of CPU in all its processes."""

    wall: float
    cpu: float


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def speed_of(rows: Any, *, shuffle: bool) -> Speed:
    """Read all rows through a loader with two workers."""
    order: dict[str, Any] = {"shuffle": True, "generator": torch.Generator().manual_seed(0)} if shuffle else {}
    loader = DataLoader(rows, batch_size=BATCH, num_workers=WORKERS, collate_fn=list, **order)
    began, used = time.perf_counter(), cpu_seconds()
    read = sum(len(batch) for batch in loader)
    took = time.perf_counter() - began
    gc.collect()  # the workers end with the loader's iterator, and count once they have
    return Speed(read / took, read / (cpu_seconds() - used))


def main() -> None:
    """Print rows per second and the two ratios."""
    arguments = argparse.ArgumentParser(description="Batches of a mixture against a plain dataset and interleaving.")
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", message="This DataLoader will create")
    parts = {f"part{number}": part(f"part{number}", chosen.rows // PARTS) for number in range(PARTS)}
    shares = [1 / PARTS] * PARTS
    mixed = mix(parts, probabilities=shares, num_rows=chosen.rows)
    plain = part("plain", chosen.rows)
    streams = [rows.to_iterable_dataset(num_shards=WORKERS) for rows in parts.values()]
    interleaved = datasets.interleave_datasets(streams, probabilities=shares, seed=0)
    rounds = [
        (speed_of(mixed, shuffle=True), speed_of(plain, shuffle=True), speed_of(interleaved, shuffle=False))
        for _ in range(chosen.rounds)
    ]
    for name, each in zip(("mix", "one plain dataset", "interleave_datasets"), zip(*rounds, strict=True), strict=True):
        wall, cpu = (statistics.median(getattr(speed, kind) for speed in each) for kind in ("wall", "cpu"))
        print(f"{name:20} {wall:9,.0f} rows a second, {cpu:9,.0f} rows a CPU second")
    for name, place, goal in (("one plain dataset", 1, 0.9), ("interleave_datasets", 2, 5.0)):
        wall = statistics.median(speeds[0].wall / speeds[place].wall for speeds in rounds)
        cpu = statistics.median(speeds[0].cpu / speeds[place].cpu for speeds in rounds)
        print(f"mix / {name:20} {wall:6.2f} by the clock, {cpu:6.2f} by CPU time   (goal: at least {goal:g})")


if __name__ == "__main__":
    main()

"""Ranks and loader workers: every row once, by one of them, and counted where the trainer is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch.utils.data import DataLoader

from video_sft.training import Collator

from .families import processor_of

#: Seconds after which a process that gives nothing counts as hung.
LIMIT = 300
Row = Callable[..., dict[str, Any]]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_forked_workers_make_the_same_batches_and_count_together(row: Row) -> None:
    rows = [row("long", second, second + 4) for second in range(6)] + [row("broken"), row("silent")]
    collator, alone = (Collator(processor_of("Qwen3VL"), fps=1) for _ in range(2))
    loader = DataLoader(
        rows,  # type: ignore[arg-type]
        batch_size=2,
        num_workers=2,
        collate_fn=collator,
        multiprocessing_context="fork",
        timeout=LIMIT,
    )
    for number, batch in enumerate(loader):
        expected = alone(rows[2 * number : 2 * number + 2])
        assert batch.keys() == expected.keys()
        assert all(torch.equal(batch[name], expected[name]) for name in batch)
    assert collator.counts == alone.counts
    assert collator.counts["rows"] == 7
    assert collator.counts["unreadable"] == 1


def test_two_ranks_share_all_rows_also_with_a_spawned_worker(mixed: datasets.Dataset, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    mixed.save_to_disk(str(tmp_path / "rows"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(Path(__file__).with_name("rank.py")), str(tmp_path / "rows"), str(tmp_path)]
    ranks = [
        subprocess.Popen(
            command,
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for process in ranks:
            output, _ = process.communicate(timeout=LIMIT)
            assert process.returncode == 0, output[-4000:]
    finally:
        for process in ranks:
            process.kill()
    seen = [(tmp_path / f"rank-{rank}.txt").read_text(encoding="utf-8").split("\n")[:-1] for rank in range(2)]
    results = [json.loads((tmp_path / f"rank-{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]
    order = mixed["id"]
    assert [seen[0][start : start + 2] for start in range(0, 12, 2)] == [order[at : at + 2] for at in range(0, 24, 4)]
    assert [seen[1][start : start + 2] for start in range(0, 12, 2)] == [order[at : at + 2] for at in range(2, 24, 4)]
    assert [result["steps"] for result in results] == [6, 6]
    assert [result["counts"]["rows"] for result in results] == [12, 12]
    assert results[0]["weights"] == results[1]["weights"]

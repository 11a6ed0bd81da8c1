"""A build that is killed leaves nothing that loads, and nothing that gets into the next build."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.builders.videochat2_trees import video_row, write_tree

import video_sft

#: Builds, and kills its own process once a part of the rows is on disk.
BUILD = """
import os, signal, sys
import video_sft
from video_sft._base_builder.builder import SourceBuilder
data, cache = sys.argv[1:]
whole = SourceBuilder._generate_tables

def killed(self, parts):
    for number, table in enumerate(whole(self, parts)):
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield table

SourceBuilder._generate_tables = killed
video_sft.load("videochat2", split="train", data_dir=data, cache_dir=cache)
"""
ROWS = 20_000


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rows = [video_row(f"1/{number}.mp4") for number in range(ROWS)]
    return write_tree(
        tmp_path / "tree", {"video/vqa/webvid_qa/train.json": rows, "video/vqa/ego_qa/train.json": rows[:10]}
    )


def test_a_killed_build_leaves_nothing_that_loads(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", BUILD, str(tree), str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    written = [file for file in cache.rglob("*.arrow") if file.stat().st_size]
    assert written
    assert all(".incomplete" in str(file) for file in written)
    assert not list(cache.rglob("dataset_info.json"))
    rows: Any = video_sft.load("videochat2", split="train", data_dir=tree, cache_dir=cache)
    assert len(rows) == ROWS + 10
    assert len(set(rows["id"])) == ROWS + 10
    infos = [json.loads(file.read_text()) for file in cache.rglob("dataset_info.json")]
    assert [info["splits"]["train"]["num_examples"] for info in infos] == [ROWS + 10]


def test_processes_share_the_files_of_a_split(tree: Path, tmp_path: Path) -> None:
    alone: Any = video_sft.load("videochat2", split="train", data_dir=tree, cache_dir=tmp_path / "one")
    shared: Any = video_sft.load("videochat2", split="train", data_dir=tree, cache_dir=tmp_path / "two", num_proc=2)
    assert shared.cache_files != alone.cache_files
    assert shared["id"] == alone["id"]
    assert shared["messages"] == alone["messages"]

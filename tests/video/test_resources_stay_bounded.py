"""Descriptors, threads and memory stay within bounds, however many clips are read, and however large."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.video.made_videos import encode, remux

CLIPS = 3_000
MEGABYTE = 1 << 20


def measure(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("measure_resources.py")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_thousands_of_clips_leave_nothing_behind(videos: dict[str, Path], tmp_path: Path) -> None:
    """Without garbage collection, so that nothing hangs in a cycle either."""
    tiny = encode(tmp_path / "tiny.mp4", count=8, width=32, height=32, options={"preset": "ultrafast"})
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(tiny.read_bytes()[:-100])
    paths = [tiny, remux(tiny, tmp_path / "tiny.mkv"), tiny, broken, remux(tiny, tmp_path / "tiny.ts"), tiny]
    found = measure("many", CLIPS, *paths)
    before, after = found["before"], found["after"]
    assert found["refused"] == pytest.approx(CLIPS / len(paths), rel=0.01)
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"] == 1
    assert after["system_threads"] == before["system_threads"]
    assert after["kilobytes"] - before["kilobytes"] < 9 * 1024


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 frames of 1280 x 720 with a key frame every 32."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    return encode(path, count=96, width=1280, height=720, options={"preset": "ultrafast", "g": "32", "crf": "30"})


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_frames_take_little_more_memory_than_their_result(plain: Path, large: Path, container: str) -> None:
    path = large if container == "mp4" else remux(large, large.with_suffix(f".{container}"))
    found = measure("peak", plain, path)
    assert found["result"] == 16 * 1280 * 720 * 3
    assert found["grown"] < found["result"] + 60 * MEGABYTE

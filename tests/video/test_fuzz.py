"""Files bent in every way: neither crash nor hang, memory within bounds, and no error but `VideoError`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from tests.video.zoo import X264, encode

#: One or more of every container, and of every codec that has its own way through the reader.
KINDS = (  # noqa: SIM905
    "plain several_streams fragmented mov hevc mkv mkv_without_index vp8 vp9 ts mpeg2_ts mpeg_ps mpeg4_avi mjpeg_avi "
    "flv gif raw_h264 dash half_fragmented av1_mkv"
).split()


@pytest.fixture(scope="module")
def seeds(zoo: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Whole videos to bend."""
    folder = tmp_path_factory.mktemp("seeds")
    made = [encode(folder / "sound.mkv", options=X264, audio_codec="aac", count=30)]
    if "libsvtav1" in av.codecs_available:
        made.append(encode(folder / "av1.mp4", codec="libsvtav1", options={"preset": "12"}, count=20))
    return [str(path) for path in [*(zoo[kind] for kind in KINDS), *made]]


def test_mutated_files_in_a_process_with_limits(seeds: list[str]) -> None:
    rounds = os.environ.get("VIDEO_SFT_FUZZ_ROUNDS", "12")
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), rounds, *seeds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["files"] == int(rounds) * len(seeds)
    assert report["refused"] > 0
    assert report["other_errors"] == []
    assert report["slowest_seconds"] < 20
    assert report["megabytes"] < 1500

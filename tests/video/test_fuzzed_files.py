"""Files bent in every way: neither crash nor hang, memory within bounds, and no error but `VideoError`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from PIL import Image
from tests.video.made_videos import encode, pictures, with_edits

#: One or more of every container, and of every codec that has its own way through the reader.
KINDS = (  # noqa: SIM905
    "plain several_streams fragmented mov hevc mkv mkv_without_index vp8 vp9 ts mpeg2_ts mpeg_ps mpeg4_avi mjpeg_avi "
    "flv gif raw_h264 dash half_fragmented av1_mkv"
).split()

#: What encodes the pictures, by the file's ending.
_PICTURES = {"mpg": "mpeg2video", "avi": "mpeg4"}


@pytest.fixture(scope="module")
def seeds(videos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Whole videos to bend."""
    folder = tmp_path_factory.mktemp("seeds")
    sounding = {"aac.mkv": "aac", "aac.ts": "aac", "aac.flv": "aac", "mp3.avi": "libmp3lame", "mp2.mpg": "mp2"}
    made = [
        encode(folder / name, codec=_PICTURES.get(name[-3:], "libx264"), audio_codec=codec, count=30)
        for name, codec in sounding.items()
    ]
    made.append(folder / "animated.webp")
    stills = [Image.fromarray(picture) for picture in pictures(8)]
    stills[0].save(made[-1], save_all=True, append_images=stills[1:], duration=80)
    made.append(folder / "edits.mp4")
    made[-1].write_bytes(with_edits(videos["plain"].read_bytes(), [(300, 2560), (100, -1), (800, 12800)]))
    if "libsvtav1" in av.codecs_available:
        made.append(encode(folder / "av1.mp4", codec="libsvtav1", options={"preset": "12"}, count=20))
    return [str(path) for path in [*(videos[kind] for kind in KINDS), *made]]


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

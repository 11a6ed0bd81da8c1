"""Originals that the tests of this folder share, and processes that files make crash."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

#: Run in every process that is started: what it does to files of these names is what decoders do at their worst.
_INJECTED = """
import ctypes, fcntl, os, signal

real, real_open, here = os.open, open, os.path.dirname(__file__)

def once(name):
    try:
        os.close(real(os.path.join(here, name), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True

def opened(path, *rest, **named):
    name = os.path.basename(path) if isinstance(path, str) else ""
    if name == "crash.mp4":
        ctypes.string_at(0)
    if name == "killed.mp4" and once("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "endless.mp4":
        while True:
            pass
    if name == "orphan.mp4" and once("orphan"):
        held = real(os.path.join(here, "lock"), os.O_CREAT | os.O_RDWR)
        fcntl.flock(held, fcntl.LOCK_EX)
        os.kill(os.getppid(), signal.SIGKILL)
        while True:
            signal.pause()
    if name == "node.mp4" and once("node"):
        with real_open(os.path.join(here, "pipe"), "w") as pipe:
            pipe.write(str(os.getppid()))
        signal.pause()
    return real(path, *rest, **named)

os.open = opened
"""


def draw(
    path: Path,
    *,
    width: int = 480,
    height: int = 360,
    seconds: int = 4,
    sound: bool = False,
    seed: int = 0,
    key_frames: int = 60,
) -> Path:
    """Draw a picture that moves, at 25 frames a second with B-frames."""
    ground = np.random.default_rng(seed).integers(0, 200, (height // 8, width // 8, 1), dtype=np.uint8)
    ground = ground.repeat(3, 2).repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=25, options={"g": str(key_frames), "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        track: Any = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for number in range(25 * seconds):
            picture = np.ascontiguousarray(np.roll(ground, 4 * number, axis=1))
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode(None))
        if track is not None:
            wave = np.sin(np.arange(16_000 * seconds) / 16_000 * 2 * np.pi * 440).astype(np.float32)[None]
            for first in range(0, wave.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(wave[:, first : first + 1024], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 16_000, first
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one video that is worth making smaller, with sound, and one that is not."""
    folder = tmp_path_factory.mktemp("originals")
    draw(folder / "large.mp4", sound=True)
    draw(folder / "small.mp4", width=160, height=120, seconds=3, seed=1)
    return folder


def row(path: Path, start: float | None = None, stop: float | None = None) -> dict[str, Any]:
    """Return a row as datasets have them."""
    video = {"path": str(path), "bytes": None}
    return {"video": video, "video_id": f"pool/{path.stem}", "start_seconds": start, "stop_seconds": stop}


@pytest.fixture(scope="session")
def injected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Have processes started from now on crash at files of some names; what happens once is noted in the folder."""
    folder = tmp_path_factory.mktemp("injected")
    (folder / "sitecustomize.py").write_text(textwrap.dedent(_INJECTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
        yield folder

"""Videos for the benchmarks: made once with PyAV, of the length, size and bit rate that the sources' videos have."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import av
import numpy as np

__all__ = ["CLIPS", "clip"]

#: Name: codec, seconds, width, height, bits a second, options, ending.
CLIPS: dict[str, tuple[str, int, int, int, int, dict[str, str], str]] = {
    "h264 480p 30 s": ("libx264", 30, 854, 480, 700_000, {"g": "250", "bf": "3", "preset": "medium"}, "mp4"),
    "h264 640x480 45 s": ("libx264", 45, 640, 480, 600_000, {"g": "250", "bf": "3", "preset": "medium"}, "mp4"),
    "h264 720p 180 s": ("libx264", 180, 1280, 720, 2_200_000, {"g": "250", "bf": "3", "preset": "veryfast"}, "mp4"),
    "h264 480p, no B": ("libx264", 30, 854, 480, 700_000, {"g": "250", "bf": "0", "preset": "veryfast"}, "mp4"),
    "hevc 720p 60 s": (
        "libx265",
        60,
        1280,
        720,
        1_200_000,
        {"preset": "ultrafast", "x265-params": "keyint=250:bframes=4:b-adapt=0:log-level=none"},
        "mp4",
    ),
    "vp9 720p 30 s": (
        "libvpx-vp9",
        30,
        1280,
        720,
        1_200_000,
        {"deadline": "realtime", "cpu-used": "8", "g": "128"},
        "webm",
    ),
    "av1 480p 20 s": ("libsvtav1", 20, 854, 480, 600_000, {"preset": "12", "g": "120", "svtav1-params": "lp=2"}, "mp4"),
    "mpeg4 480p 30 s": ("mpeg4", 30, 854, 480, 1_500_000, {"g": "120"}, "avi"),
}
RATE = 30


def clip(name: str) -> Path:
    """Return a video of the list above, made on first use and kept in the temporary folder."""
    codec, seconds, width, height, bits, options, ending = CLIPS[name]
    folder = Path(tempfile.gettempdir()) / "video-sft-benchmarks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{''.join(c if c.isalnum() else '_' for c in name)}.{ending}"
    if not path.exists():
        draft = folder / f".{os.getpid()}.{path.name}"
        with av.open(str(draft), "w", format={"mp4": "mp4", "webm": "webm", "avi": "avi"}[ending]) as container:
            stream = container.add_stream(codec, rate=RATE, options=dict(options))
            stream.codec_context.thread_type = "FRAME"  # PyAV's own choice would cut every frame into slices
            stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bits
            for number, planes in enumerate(_pictures(seconds * RATE, width, height)):
                frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        os.replace(draft, path)
    return path


def _pictures(count: int, width: int, height: int) -> object:
    """Yield a slow pan over a smooth landscape with moving things and a camera's noise, as yuv420p planes."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(40, 216, (height // 40 + 3, width // 20 + 3)).astype(np.float32)
    wide = np.kron(coarse, np.ones((40, 40), np.float32))
    for _ in range(3):
        wide = (wide + np.roll(wide, 9, 0) + np.roll(wide, 9, 1) + np.roll(wide, 5, (0, 1))) / 4
    wide = (wide + rng.normal(0, 6, wide.shape)).clip(16, 235).astype(np.uint8)
    noise = rng.integers(-3, 4, (16, height, width)).astype(np.int8)
    for number in range(count):
        left, top = (number // 2) % (wide.shape[1] - width), (number // 5) % (wide.shape[0] - height)
        luma = wide[top : top + height, left : left + width].astype(np.int16) + noise[number % 16]
        for thing in range(6):
            x = (number * (2 + thing) + 150 * thing) % (width - 64)
            y = (number * (1 + thing % 3) + 70 * thing) % (height - 64)
            luma[y : y + 64, x : x + 64] = 40 + 30 * thing
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = luma.clip(16, 235)
        planes[height:] += np.uint8(number // 30 % 20)
        if number % 240 == 239:  # a cut
            wide = np.ascontiguousarray(wide[::-1, ::-1])
        yield planes

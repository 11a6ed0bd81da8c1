"""Footage drawn from a seed: a picture for each moment, whatever size, rate and codec a file of it has."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image
from tests.priority import ordinary_priority


def picture(seed: int, moment: float, width: int, height: int) -> np.ndarray:
    """Return what is seen at a second: soft shapes, other ones every two seconds, fading into each other."""
    scene, share = divmod(moment / 2, 1.0)
    shapes = [
        np.random.default_rng((seed, int(scene) + step)).integers(0, 256, (6, 8), dtype=np.uint8) for step in (0, 1)
    ]
    first, second = (
        np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC)) for each in shapes
    )
    return np.repeat((first * (1 - share) + second * share).astype(np.uint8)[..., None], 3, axis=2)


def film(
    path: Path,
    seed: int,
    *,
    start: float = 0.0,
    seconds: float = 6.0,
    rate: int = 25,
    size: tuple[int, int] = (192, 144),
    codec: str = "libx264",
    bar: int = 0,
    options: dict[str, str] | None = None,
) -> Path:
    """Write the footage of a seed from a second on, with black bars above and below where asked for."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height + 2 * bar, "yuv420p"
        for number in range(round(seconds * rate)):
            shown = np.pad(picture(seed, start + number / rate, width, height), ((bar, bar), (0, 0), (0, 0)))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ordinary_priority()
    return path


def still(path: Path, pixels: np.ndarray, count: int = 10) -> Path:
    """Write one picture as a video of so many frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.height, stream.width, stream.pix_fmt = pixels.shape[0], pixels.shape[1], "yuv420p"
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode(None))
    ordinary_priority()
    return path

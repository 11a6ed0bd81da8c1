"""Animated WebP, which libav does not read: its header, and its pictures by Pillow.

The format is that of RIFF files; each frame states for how many milliseconds it is shown
(https://developers.google.com/speed/webp/docs/riff_container).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._headers.libav import MAX_PIXELS, failing

__all__ = ["is_animated_webp", "webp_durations", "webp_frames", "webp_size"]

_ANIMATED = 0x02
#: How long a frame is shown that does not say so, in milliseconds, as in browsers.
_UNSTATED = 100
_MOST_CHUNKS = 1_000_000


def is_animated_webp(file: ByteSource) -> bool:
    """Tell by the beginning of a file."""
    head = file.read_at(0, 21)
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:21]) and bool(head[20] & _ANIMATED)


def webp_size(file: ByteSource) -> tuple[int, int]:
    """Return width and height.

    Raises:
        VideoError: the header is cut off.
    """
    head = file.read_at(24, 6)
    if len(head) < 6:
        raise VideoError(file.name, "its header is cut off")
    return int.from_bytes(head[:3], "little") + 1, int.from_bytes(head[3:], "little") + 1


def webp_durations(file: ByteSource) -> list[int]:
    """Return for how many milliseconds each frame is shown; frames that are cut off are left out."""
    durations, at = [], 12
    for _ in range(_MOST_CHUNKS):
        head = file.read_at(at, 24)
        if len(head) < 8:
            break
        size = struct.unpack_from("<I", head, 4)[0]
        if head[:4] == b"ANMF" and len(head) == 24 and at + 8 + size <= file.size:
            durations.append(int.from_bytes(head[20:23], "little") or _UNSTATED)
        at += 8 + size + size % 2
    return durations


def webp_frames(file: ByteSource) -> Iterator[Any]:
    """Decode all frames, in order.

    Raises:
        VideoError: the file is broken, or too large.
    """
    from PIL import Image  # few videos need it

    width, height = webp_size(file)
    if width * height > min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS):
        raise VideoError(file.name, f"frames of {width} x {height} pixels are beyond the limit")
    with (
        failing(file.name, "cannot be decoded"),
        Image.open(io.BytesIO(file.read_at(0, file.size)), "r", ["WEBP"]) as image,
    ):
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            yield av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
